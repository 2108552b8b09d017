"""Damaged files and hostile clients: what the library, `predict` and `serve` make of them.

Image files with changed, missing and added bytes go through the library, through one call of
`inkfast predict`, and to every route of the server that accepts images. Before that, 1,000
connections never finish their request while `/healthz` is polled.

Run: .venv/bin/python benchmarks/abuse.py [FILES]
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from measured import record
from PIL import Image
from serve_load import exchange, request, resident, started

from inkfast.core.errors import InkfastError
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import open_image
from inkfast.inference.page import open_page, read_page
from inkfast.inference.reader import Reader
from inkfast.inference.single_digit import preprocess_checked
from inkfast.synthetic.handwriting import make_handwriting

SOCKETS = 1000
FILES = 100_000
CLIENTS = 4
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
ROUTES = ("/v1/predict", "/v1/read", "/v1/lab?rotate=20", "/v1/lab?occlusion=true")
_HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
HALVES = (b"", _HEAD, _HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(50_000))


async def half_open(port: int) -> dict[str, Any]:
    """Return when the last connection was closed, and the slowest response of `/healthz`."""
    start = time.perf_counter()
    slowest = 0.0

    async def one(half: bytes) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(half)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        return time.perf_counter() - start

    work = asyncio.gather(*(one(HALVES[i % len(HALVES)]) for i in range(SOCKETS)))
    while not work.done():
        asked = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await exchange(reader, writer, request("/healthz"))
        writer.close()
        slowest = max(slowest, time.perf_counter() - asked)
        await asyncio.sleep(0.1)
    closed = {"all_closed_after_seconds": max(await work), "sockets": SOCKETS}
    return closed | {"health_slowest_milliseconds": 1000 * slowest}


def files() -> list[bytes]:
    """Return undamaged images in every format."""
    found = []
    for image in make_handwriting(10).images[::3]:
        large = Image.fromarray(255 - image).resize((140, 140))
        for kind in FORMATS:
            file = io.BytesIO()
            large.save(file, kind)
            found.append(file.getvalue())
    return found


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with a few bytes changed, removed or added."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 3, 20))):
        position, kind = rng.randrange(len(found)), rng.random()
        if kind < 0.6:
            found[position] = rng.randrange(256)
        elif kind < 0.8:
            del found[position : position + rng.randrange(1, 50)]
        else:
            found[position:position] = rng.randbytes(rng.randrange(1, 20))
        found = found or bytearray(b"a")
    return bytes(found)


def library(n: int) -> dict[str, Any]:
    """Open and read damaged files, every fourth as a page; only inkfast's own errors are caught."""
    reader, whole, rng = Reader.open(threads=1), files(), random.Random(0)  # noqa: S311
    outcomes: Counter[str] = Counter()
    read_page(open_page(whole[0]), reader)  # completes lazy imports
    slowest, before = 0.0, resident(os.getpid())
    for turn in range(n):
        content = mutated(rng.choice(whole), rng)
        start = time.perf_counter()
        try:
            if turn % 4:
                reader.predict(preprocess_checked(open_image(content, DIGIT_PIXELS).grey)[0][None])
            else:
                read_page(open_page(content), reader)
            outcomes["read"] += 1
        except InkfastError:
            outcomes["rejected"] += 1
        slowest = max(slowest, time.perf_counter() - start)
    growth = resident(os.getpid()) - before
    return {"files": n, **outcomes, "slowest_seconds": slowest, "resident_growth_mb": growth}


def command_line(n: int) -> dict[str, Any]:
    """Give one call of `inkfast predict` an archive of damaged files, and expect a row for each.

    Rows are written in chunks. The longest wait between two rows is that of a whole chunk, which is
    an upper bound for any single file.
    """
    whole, rng = files(), random.Random(1)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        archive = Path(folder, "mutated.zip")
        with zipfile.ZipFile(archive, "w") as held:
            for number in range(n):
                held.writestr(f"{number:06}.png", mutated(rng.choice(whole), rng))
        words = ["predict", str(archive), "--format", "jsonl"]
        start = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", "from inkfast.cli import main; main()", *words],
            stdout=subprocess.PIPE, stderr=errors,
        ) as process:  # fmt: skip
            rows, longest, memory = _watched(process)
        errors.seek(0)
        return {
            "files": n,
            "rows": rows,
            "exit_code": process.returncode,
            "traceback": b"Traceback" in errors.read(),
            "seconds": time.perf_counter() - start,
            "longest_wait_seconds": longest,
            "resident_growth_mb": max(memory) - memory[0],
            "resident_mb": max(memory),
        }


def _watched(process: subprocess.Popen[bytes]) -> tuple[int, float, list[float]]:
    """Return the number of rows, the longest wait between two, and samples of memory in MB."""
    times, memory = [], []
    for _ in process.stdout or ():
        times.append(time.perf_counter())
        if len(times) % 100 == 1:
            memory.append(resident(process.pid))
    return len(times), max(after - before for before, after in pairwise(times)), memory


async def abuse(port: int, pid: int, n: int) -> dict[str, Any]:
    """Send damaged files; return statuses, the slowest response and the growth of memory."""
    statuses: Counter[int] = Counter()
    slowest, whole, before = 0.0, files(), resident(pid)

    async def one(seed: int) -> None:
        nonlocal slowest
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(n // CLIENTS):
            content = request(rng.choice(ROUTES), mutated(rng.choice(whole), rng))
            start = time.perf_counter()
            status, _ = await exchange(reader, writer, content)
            statuses[status] += 1
            slowest = max(slowest, time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*map(one, range(CLIENTS)))
    return {
        "files": n,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "slowest_seconds": slowest,
        "resident_growth_mb": resident(pid) - before,
    }


def main() -> None:
    """Test the library, the command and a server that this process starts."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = {"library": library(n), "command_line": command_line(n)}
    with started() as (port, pid):
        figures["half_open"] = asyncio.run(half_open(port))
        figures["mutated"] = asyncio.run(abuse(port, pid, n))
    record("abuse", "python benchmarks/abuse.py", figures)


if __name__ == "__main__":
    main()
