"""Servers and images for the tests."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Queue

import numpy as np
from PIL import Image, ImageDraw

from inkfast.cli.serve import corrupt_image
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import Reader, shipped_names
from inkfast.serving.app import build_app
from inkfast.serving.limits import Limits
from inkfast.serving.server import Server

# strokes of each digit, in shares of the paper's side
STROKES: Mapping[int, list[list[tuple[float, float]]]] = {
    0: [[(0.5, 0.2), (0.36, 0.3), (0.33, 0.5), (0.38, 0.7), (0.5, 0.8), (0.62, 0.7), (0.67, 0.5), (0.62, 0.3), (0.5, 0.2)]],
    1: [[(0.52, 0.18), (0.5, 0.5), (0.48, 0.82)]],
    2: [[(0.33, 0.32), (0.42, 0.21), (0.57, 0.21), (0.65, 0.32), (0.6, 0.47), (0.45, 0.64), (0.33, 0.79), (0.68, 0.78)]],
    3: [[(0.35, 0.24), (0.5, 0.19), (0.63, 0.28), (0.6, 0.42), (0.46, 0.48), (0.62, 0.55), (0.65, 0.7), (0.52, 0.81), (0.34, 0.76)]],
    4: [[(0.36, 0.2), (0.34, 0.5), (0.67, 0.5)], [(0.62, 0.2), (0.6, 0.82)]],
    5: [[(0.65, 0.2), (0.39, 0.2), (0.37, 0.46), (0.54, 0.44), (0.66, 0.56), (0.62, 0.73), (0.48, 0.81), (0.34, 0.75)]],
    6: [[(0.58, 0.18), (0.42, 0.34), (0.35, 0.56), (0.4, 0.75), (0.53, 0.8), (0.64, 0.7), (0.61, 0.56), (0.48, 0.54), (0.38, 0.62)]],
    7: [[(0.33, 0.22), (0.67, 0.22), (0.56, 0.5), (0.46, 0.81)]],
    8: [[(0.6, 0.28), (0.48, 0.2), (0.38, 0.3), (0.46, 0.45), (0.6, 0.58), (0.62, 0.73), (0.5, 0.81), (0.38, 0.72), (0.42, 0.57), (0.58, 0.42), (0.61, 0.28)]],
    9: [[(0.62, 0.34), (0.52, 0.21), (0.39, 0.27), (0.38, 0.42), (0.5, 0.49), (0.62, 0.38), (0.63, 0.3), (0.61, 0.55), (0.56, 0.82)]],
}  # fmt: skip


def drawn(digit: int, side: int = 280) -> Image.Image:
    """Return a digit in black on white."""
    image = Image.new("L", (side, side), 255)
    for stroke in STROKES[digit]:
        points = [(x * side, y * side) for x, y in stroke]
        ImageDraw.Draw(image).line(points, fill=0, width=side // 16, joint="curve")
    return image


def as_file(image: Image.Image, kind: str = "PNG") -> bytes:
    """Return an image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def readers() -> dict[str, Reader]:
    """Return the shipped networks."""
    return {name: Reader.open(name, threads=1) for name in shipped_names()}


class Stuck:
    """A classifier that answers nothing until it is let go.

    Attributes:
        go: Lets it answer.
        batches: How many images it got at a time.
    """

    metadata = ModelMetadata({}, "stuck")

    def __init__(self) -> None:
        self.go = threading.Event()
        self.batches: list[int] = []

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Wait, then be sure of 0."""
        self.batches.append(len(images))
        self.go.wait(20)
        return np.eye(10)[np.zeros(len(images), int)]


@contextmanager
def serving(
    limits: Limits | None = None, token: str = "", stuck: Stuck | None = None
) -> Iterator[str]:
    """Run a server in a thread, whose reader may be stuck; its URL, without a slash at the end."""
    limits = limits or Limits()
    known = {"reader": Reader(stuck, 0.5)} if stuck else readers()
    app = build_app(known, token=token, corrupt=corrupt_image, limits=limits)
    urls: Queue[str] = Queue()
    server = Server(app, "127.0.0.1", 0, limits, urls.put)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield urls.get(timeout=20).rstrip("/")
    finally:
        server.should_exit = True
        thread.join(20)
