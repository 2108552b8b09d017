"""What `inkfast serve` does with clients that mean no good, or have bad disks.

1,000 connections that never finish their request, while health is asked; then picture files with
bytes changed, lost and added, sent to every route that takes pictures.

Run: .venv/bin/python benchmarks/serve_abuse.py [FILES]
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import resource
import sys
import time
from collections import Counter
from typing import Any

from measured import record
from PIL import Image
from serve_load import exchange, request, resident, started

from inkfast.data.written import write

SOCKETS = 1000
FILES = 100_000
CLIENTS = 4
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
ROUTES = ("/v1/predict", "/v1/read", "/v1/lab?rotate=20", "/v1/lab?heat=true")
_HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
HALVES = (b"", _HEAD, _HEAD + b"Content-Length: 1000000\r\n\r\n" + bytes(50_000))


async def half_open(port: int) -> dict[str, Any]:
    """Return after how many seconds the last connection was closed, and health's slowest answer."""
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
    """Return whole pictures of every format."""
    found = []
    for image in write(10).images[::3]:
        large = Image.fromarray(255 - image).resize((140, 140))
        for kind in FORMATS:
            file = io.BytesIO()
            large.save(file, kind)
            found.append(file.getvalue())
    return found


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Return a file with a few bytes changed, lost or added."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 3, 20))):
        place, what = rng.randrange(len(found)), rng.random()
        if what < 0.6:
            found[place] = rng.randrange(256)
        elif what < 0.8:
            del found[place : place + rng.randrange(1, 50)]
        else:
            found[place:place] = rng.randbytes(rng.randrange(1, 20))
        found = found or bytearray(b"a")
    return bytes(found)


async def abuse(port: int, pid: int, n: int) -> dict[str, Any]:
    """Send mutated files; return what was answered, the slowest answer and the memory taken."""
    statuses: Counter[int] = Counter()
    slowest, whole, before = 0.0, files(), resident(pid)

    async def one(seed: int) -> None:
        nonlocal slowest
        rng = random.Random(seed)  # noqa: S311 - hides nothing
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
    """Abuse a server of our own."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with started() as (port, pid):
        figures = {"half_open": asyncio.run(half_open(port))}
        figures["mutated"] = asyncio.run(abuse(port, pid, n))
    record("serve_abuse", "python benchmarks/serve_abuse.py", figures)


if __name__ == "__main__":
    main()
