"""What `inkfast serve` bears: requests a second, their latency, its memory, and its health.

16 clients on the same machine send PNG files of 280x280, drawn digits, each as soon as its last one
is answered; then ten times as many, while health is asked. Answers are checked. The clients run on
uvloop, so that they take little of the cores they share with the server and its processes. Before
them one client asks, one request after another, what the page asks as a pen moves.

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
SIDE, PEN = 280, 17  # of the page's paper and its stroke, in pixels
UPDATES = 500  # movements of the pen
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "onnxruntime", "pillow", "numpy", "scipy")
SECONDS = 600


@dataclass
class Tally:
    """What one round of requests came to."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    right: int = 0

    def figures(self, took: float) -> dict[str, Any]:
        """Return what is reported; latencies are those of requests that were answered with 200."""
        cuts = np.percentile(1000 * np.array(self.seconds), [50, 99, 100]) if self.seconds else []
        answered = self.statuses[200]
        return {
            "requests": sum(self.statuses.values()),
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "per_second": answered / took,
            "read_right": self.right / answered if answered else None,
            "milliseconds": dict(zip(("p50", "p99", "max"), map(float, cuts), strict=False)),
        }


def pictures(n: int) -> list[tuple[bytes, int]]:
    """Return drawn digits as PNG files with their labels."""
    digits = make_handwriting(n, seed=1)
    found = []
    for image, label in zip(digits.images, digits.known_labels, strict=True):
        large = Image.fromarray(255 - image).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        large.save(file, "PNG")
        found.append((file.getvalue(), int(label)))
    return found


def movements() -> list[bytes]:
    """Return the page's paper after each movement of a pen: PNG files as a canvas makes them."""
    found = []
    for shape in STYLES:
        paper = Image.new("RGBA", (2 * SIDE, 2 * SIDE), "white")
        for stroke in shape.strokes:
            places = re.findall(r"(\d+) (\d+)", stroke)  # in percent
            points = [(140 + 2.8 * int(x), 84 + 3.92 * int(y)) for x, y in places]
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
    """Send pictures in turn until the time is over."""
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
            await asyncio.sleep(0.05)  # a client that is told to come back later does
    writer.close()


async def pen(port: int) -> dict[str, Any]:
    """Return how long the page waits for the answer to one movement; no slider is moved."""
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
        "picture": f"PNG, {SIDE}x{SIDE}, RGBA, after each movement of a pen",
        "n": UPDATES,
        "milliseconds": {"p50": float(p50), "p99": float(p99)},
    }


async def health(port: int, until: float, seconds: list[float]) -> None:
    """Ask ten times a second whether the server lives, each time on a connection of its own."""
    while time.perf_counter() < until:
        start = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        status, _ = await exchange(reader, writer, request("/healthz"))
        assert status == 200, status  # noqa: S101 - a benchmark that fails is to say so
        seconds.append(time.perf_counter() - start)
        writer.close()
        await asyncio.sleep(0.1)


async def load(
    port: int, clients: int, seconds: float, sent: list[tuple[bytes, int]]
) -> dict[str, Any]:
    """Return what a number of clients saw."""
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
    """Return what the system tells of a process and of those that it has started."""
    about = Path(f"/proc/{pid}")
    threads = [one.read_text(encoding="utf-8") for one in about.glob("task/*/children")]
    return [about, *[Path(f"/proc/{child}") for child in " ".join(threads).split()]]


def worked(pid: int) -> float:
    """Return the seconds that a process and its children have kept processors busy."""
    stats = [(one / "stat").read_text(encoding="utf-8") for one in family(pid)]
    fields = [stat.rpartition(")")[2].split() for stat in stats]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the resident memory of a process and its children in MB."""
    texts = [(one / "status").read_text(encoding="utf-8") for one in family(pid)]
    return sum(int(size) for size in re.findall(r"VmRSS:\s+(\d+)", "".join(texts))) / 1024


async def measure(port: int, pid: int, seconds: float) -> dict[str, Any]:
    """Ask as the page does, warm the server, load it, overload it."""
    page = await pen(port)
    sent = [(request("/v1/predict", png), label) for png, label in pictures(100)]
    await load(port, CLIENTS, max(3.0, seconds / 20), sent)
    before, begun = resident(pid), worked(pid)
    usual = await load(port, CLIENTS, seconds, sent)
    after, busy = resident(pid), worked(pid) - begun
    return {
        "picture": f"PNG, {SIDE}x{SIDE}, drawn",
        "seconds": seconds,
        "page": page,
        "usual": usual,
        "server_processor_milliseconds": 1000 * busy / usual["requests"],
        "resident_mb": {"before": before, "after": after, "drift": after / before - 1},
        "overload": await load(port, TIMES * CLIENTS, seconds / 10, sent),
    }


@contextmanager
def started() -> Iterator[tuple[int, int]]:
    """Run a server; its port and its process."""
    words = [sys.executable, "-c", "from inkfast.cli import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as server:
        try:
            line = server.stdout.readline()  # type: ignore[union-attr]
            yield int(re.search(r":(\d+)/", line)[1]), server.pid  # type: ignore[index]
        finally:
            server.terminate()


def main() -> None:
    """Measure a server of our own."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with started() as (port, pid):
        figures = uvloop.run(measure(port, pid, seconds))
    versions = {name: version(name) for name in PACKAGES}
    record("serve_load", "python benchmarks/serve_load.py", {"versions": versions, **figures})


if __name__ == "__main__":
    main()
