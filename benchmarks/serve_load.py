"""Load test of `inkfast serve`: requests per second, latency, memory and health.

16 clients on the same machine send PNG files of 280x280 synthetic digits, each as soon as its last
request is answered; then ten times as many, while `/healthz` is polled. Responses are checked. The
clients run on uvloop, to take little of the cores they share with the server. Before them one
client sends, one after another, the requests of the page while a digit is drawn.

Run: .venv/bin/python benchmarks/serve_load.py [SECONDS]
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from measured import record
from PIL import Image, ImageDraw

from inkfast.synthetic.handwriting import STYLES, make_handwriting

CLIENTS, TIMES = 16, 10
SIDE, PEN = 280, 17  # size of the page's canvas and width of its stroke, in pixels
UPDATES = 500  # movements of the pen
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "pillow", "numpy", "scipy")
SECONDS = 600


@dataclass
class Tally:
    """Latencies and statuses of one round of requests."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    right: int = 0

    def figures(self, took: float) -> dict[str, Any]:
        """Return the recorded figures; latencies are those of responses with status 200."""
        cuts = np.percentile(1000 * np.array(self.seconds), [50, 99, 100]) if self.seconds else []
        answered = self.statuses[200]
        return {
            "requests": sum(self.statuses.values()),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "per_second": answered / took,
            "read_right": self.right / answered if answered else None,
            "milliseconds": dict(zip(("p50", "p99", "max"), map(float, cuts), strict=False)),
        }


def digit_files(n: int) -> list[tuple[bytes, int]]:
    """Return synthetic digits as PNG files with their labels."""
    digits = make_handwriting(n, seed=1)
    found = []
    for image, label in zip(digits.images, digits.known_labels, strict=True):
        large = Image.fromarray(255 - image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        large.save(file, "PNG")
        found.append((file.getvalue(), int(label)))
    return found


def movements() -> list[bytes]:
    """Return the page's canvas after each movement of the pen, as PNG files."""
    found = []
    for shape in STYLES:
        paper = Image.new("RGBA", (2 * SIDE, 2 * SIDE), "white")
        for stroke in shape.strokes:
            percents = re.findall(r"(\d+) (\d+)", stroke)
            points = [(140 + 2.8 * int(x), 84 + 3.92 * int(y)) for x, y in percents]
            for line in pairwise(points):
                pen = ImageDraw.Draw(paper)
                pen.line(line, fill="black", width=2 * PEN)
                for x, y in line:
                    pen.ellipse((x - PEN, y - PEN, x + PEN, y + PEN), fill="black")
                file = io.BytesIO()
                paper.resize((SIDE, SIDE), Image.Resampling.BOX).save(file, "PNG")
                found.append(file.getvalue())
    return found


def request(path: str, body: bytes = b"") -> bytes:
    """Return the bytes of one request."""
    method = "POST" if body else "GET"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes
) -> tuple[int, bytes]:
    """Send a request on an open connection and return its status and body."""
    writer.write(content)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
    return int(head[9:12]), await reader.readexactly(length)


async def client(port: int, own: list[tuple[bytes, int]], until: float, tally: Tally) -> None:
    """Send images in turn until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    turn = 0
    while time.perf_counter() < until:
        content, label = own[turn % len(own)]
        turn += 1
        start = time.perf_counter()
        status, body = await exchange(reader, writer, content)
        tally.statuses[status] += 1
        if status == 200:
            tally.seconds.append(time.perf_counter() - start)
            tally.right += f'"digit":{label},'.encode() in body
        else:
            await asyncio.sleep(0.05)  # as a client does that is told to retry later
    writer.close()


async def pen(port: int) -> dict[str, Any]:
    """Return the latency of the page's request after one movement of the pen; no slider moves."""
    papers, seconds = [request("/v1/lab", png) for png in movements()], []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(UPDATES // 10 + UPDATES):
        start = time.perf_counter()
        status, body = await exchange(reader, writer, papers[turn % len(papers)])
        seconds.append(time.perf_counter() - start)
        assert (status, b'"reader":{"digit":' in body) == (200, True), body  # noqa: S101 - see `health`
    writer.close()
    p50, p99 = np.percentile(1000 * np.array(seconds[UPDATES // 10 :]), [50, 99])
    return {
        "image": f"PNG, {SIDE}x{SIDE}, RGBA, after each movement of the pen",
        "n": UPDATES,
        "milliseconds": {"p50": float(p50), "p99": float(p99)},
    }


async def health(port: int, until: float, seconds: list[float]) -> None:
    """Poll `/healthz` ten times per second, each time on a new connection."""
    while time.perf_counter() < until:
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        status, _ = await exchange(reader, writer, request("/healthz"))
        assert status == 200, status  # noqa: S101 - a benchmark that fails must say so
        seconds.append(time.perf_counter() - start)
        writer.close()
        await asyncio.sleep(0.1)


async def load(
    port: int, clients: int, seconds: float, sent: list[tuple[bytes, int]]
) -> dict[str, Any]:
    """Return the figures of a number of clients."""
    tally, alive = Tally(), []
    start = time.perf_counter()
    until = start + seconds
    own = [[sent[(i + j) % len(sent)] for j in range(len(sent))] for i in range(clients)]
    work = [client(port, mine, until, tally) for mine in own]
    await asyncio.gather(*work, health(port, until, alive))
    took = time.perf_counter() - start
    cuts = {"p50": float(np.median(alive) * 1000), "max": max(alive) * 1000, "n": len(alive)}
    return {"clients": clients, **tally.figures(took), "health_milliseconds": cuts}


def family(pid: int) -> list[Path]:
    """Return the /proc folders of a process and its children."""
    about = Path(f"/proc/{pid}")
    threads = [one.read_text(encoding="utf-8") for one in about.glob("task/*/children")]
    return [about, *[Path(f"/proc/{child}") for child in " ".join(threads).split()]]


def worked(pid: int) -> float:
    """Return the processor time of a process and its children, in seconds."""
    stats = [(one / "stat").read_text(encoding="utf-8") for one in family(pid)]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    texts = [(one / "status").read_text(encoding="utf-8") for one in family(pid)]
    return sum(int(size) for size in re.findall(r"VmRSS:\s+(\d+)", "".join(texts))) / 1024


async def measure(port: int, pid: int, seconds: float) -> dict[str, Any]:
    """Send the page's requests, warm the server up, load it, overload it."""
    page = await pen(port)
    sent = [(request("/v1/predict", png), label) for png, label in digit_files(100)]
    await load(port, CLIENTS, max(3.0, seconds / 20), sent)
    before, begun = resident(pid), worked(pid)
    usual = await load(port, CLIENTS, seconds, sent)
    after, busy = resident(pid), worked(pid) - begun
    return {
        "image": f"PNG, {SIDE}x{SIDE}, synthetic",
        "seconds": seconds,
        "page": page,
        "usual": usual,
        "server_processor_milliseconds": 1000 * busy / usual["requests"],
        "resident_mb": {"before": before, "after": after, "drift": after / before - 1},
        "overload": await load(port, TIMES * CLIENTS, seconds / 10, sent),
    }


@contextmanager
def started() -> Iterator[tuple[int, int]]:
    """Run a server; yield its port and process id."""
    words = [sys.executable, "-c", "from inkfast.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
        try:
            line = server.stdout.readline()  # type: ignore[union-attr]
            yield int(re.search(r":(\d+)/", line)[1]), server.pid  # type: ignore[index]
        finally:
            server.terminate()


def main() -> None:
    """Measure a server that this process starts."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with started() as (port, pid):
        figures = uvloop.run(measure(port, pid, seconds))
    versions = {name: version(name) for name in PACKAGES}
    record("serve_load", "python benchmarks/serve_load.py", {"versions": versions, **figures})


if __name__ == "__main__":
    main()
