"""Pages of synthetic digits as a phone would photograph them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from inkfast.synthetic import handwriting

_WRITTEN = handwriting.make_handwriting(400, seed=7)


def digit(value: int, height: int = 40, copy: int = 0) -> np.ndarray:
    """Return a digit's ink in [0, 1], cropped, its longer side of this many pixels."""
    image = _WRITTEN.images[value + 10 * copy]
    rows, columns = np.nonzero(image > 40)
    ink = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = height / max(ink.shape)
    size = (max(1, round(scale * ink.shape[1])), max(1, round(scale * ink.shape[0])))
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC)) / 255


def write_on(canvas: np.ndarray, text: str, x: int, y: int, height: int = 40, gap: int = 8) -> int:
    """Draw digits with their tops at `y`, a gap for a space; return the x after the last."""
    for place, letter in enumerate(text):
        if letter == " ":
            x += 2 * height
            continue
        ink = digit(int(letter), height, copy=place % 3)
        there = canvas[y : y + ink.shape[0], x : x + ink.shape[1]]
        np.maximum(there, ink[: there.shape[0], : there.shape[1]], out=there)
        x += ink.shape[1] + gap
    return x


def page(*lines: str, height: int = 40, width: int = 700) -> np.ndarray:
    """Return the ink of lines of numbers."""
    canvas = np.zeros((2 * height * (len(lines) + 1), width))
    for place, line in enumerate(lines):
        write_on(canvas, line, height, height + 2 * height * place, height, height // 5)
    return canvas


def photographed(ink: np.ndarray, kind: str = "plain") -> np.ndarray:
    """Return a photograph of a page with this ink, uint8 ``(h, w, 3)``."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    paper = np.full((*ink.shape, 3), 0.85)
    colour = {"red ink": (0.7, 0.1, 0.1), "pencil": (0.5, 0.5, 0.5)}.get(kind, (0.1, 0.1, 0.25))
    if kind == "shadow":
        paper *= (1 - 0.5 / (1 + np.exp((ink.shape[1] / 2 - x - y) / 4)))[..., None]
    if kind == "slope of light":
        paper *= (1 - 0.6 * x / ink.shape[1])[..., None]
    if kind in ("ruled", "squared"):
        lines = (y + x // 60) % 61 < 2
        if kind == "squared":
            lines = (y % 31 < 2) | (x % 31 < 2)
        paper[lines] *= (0.7, 0.75, 0.9)
    if kind == "blackboard":
        paper, colour = np.full_like(paper, 0.15), (0.9, 0.9, 0.85)
    page = paper + ink[..., None] * (np.array(colour) * paper / 0.85 - paper)
    if kind == "blackboard":
        page = paper + ink[..., None] * (np.array(colour) - paper)
    page += rng.normal(0, 0.01, page.shape)
    return np.rint(255 * np.clip(page, 0, 1)).astype(np.uint8)


def file_of(colours: np.ndarray, form: str = "PNG", **options) -> bytes:
    """Return the content of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(colours).save(buffer, form, **options)
    return buffer.getvalue()
