"""Pens: strokes as lines of points, drawn as ink.

Lines are drawn three times as large as asked for and reduced, which gives smooth edges. A pen has
a width that may vary along the stroke, and ink that may be pale or grainy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Line: TypeAlias = NDArray[Any]  # floats (points, 2): x to the right, y down, in pixels
Ink: TypeAlias = NDArray[Any]  # float32 (height, width) in [0, 1]: share of ink in each pixel

Rng = np.random.Generator
SUPERSAMPLING = 3


@dataclass(frozen=True)
class Pen:
    """How a line is drawn.

    Attributes:
        width: Width of the line in pixels.
        nib: Share by which the width varies with the direction, in [0, 1]: 0 for a ball pen.
        angle: Direction in which a nib is broadest, in radians.
        grain: Share of ink that a rough paper does not take, in [0, 1]: pencil and chalk.
        sharp: Whether pixels are either ink or paper, as drawn by a mouse or a fax.
    """

    width: float
    nib: float = 0.0
    angle: float = 0.8
    grain: float = 0.0
    sharp: bool = False


def _ball_pen(height: float, rng: Rng) -> Pen:
    return Pen(height * rng.uniform(0.035, 0.1))


def _felt_pen(height: float, rng: Rng) -> Pen:
    return Pen(height * rng.uniform(0.1, 0.22))


def _pencil(height: float, rng: Rng) -> Pen:
    return Pen(height * rng.uniform(0.04, 0.14), grain=rng.uniform(0.2, 0.7))


def _brush(height: float, rng: Rng) -> Pen:
    width, nib = height * rng.uniform(0.08, 0.2), rng.uniform(0.4, 0.85)
    return Pen(width, nib=nib, angle=rng.uniform(0, np.pi))


def _mouse(height: float, rng: Rng) -> Pen:
    return Pen(height * rng.uniform(0.04, 0.2), sharp=True)


# Kinds of pens with their shares; each makes a pen for digits of a height in pixels
PENS: dict[str, tuple[float, Callable[[float, Rng], Pen]]] = {
    "ball pen": (0.42, _ball_pen),
    "felt pen": (0.22, _felt_pen),
    "pencil or chalk": (0.14, _pencil),
    "brush or nib": (0.12, _brush),
    "mouse": (0.1, _mouse),
}


def sample_pen(rng: Rng, height: float) -> Pen:
    """Return a pen of a random kind for digits of a height in pixels."""
    kinds = list(PENS.values())
    return kinds[rng.choice(len(kinds), p=[share for share, _ in kinds])][1](height, rng)


def draw_lines(lines: Sequence[Line], size: tuple[int, int], pen: Pen, rng: Rng) -> Ink:
    """Draw lines with one pen.

    Args:
        lines: Strokes; a stroke of one point is a dot.
        size: Height and width of the drawing in pixels.
        pen: Pen; no line is thinner than seven tenths of a pixel.
        rng: Random generator of the grain.
    """
    height, width = size
    scale = 1 if pen.sharp else SUPERSAMPLING
    image = Image.new("L", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    broad = max(0.7, pen.width) * scale
    for line in lines:
        points = np.asarray(line, np.float64) * scale
        if pen.nib:
            _draw_nib(draw, points, broad, pen)
        else:
            _draw_even(draw, points, broad)
    if scale > 1:
        image = image.reduce(scale)
    ink = np.asarray(image, np.float32) / 255
    if pen.grain:
        ink = ink * _grain(size, pen.grain, rng)
    return ink


def _draw_even(draw: ImageDraw.ImageDraw, points: Line, width: float) -> None:
    whole = max(1, round(width))
    if len(points) > 1:
        draw.line(
            [tuple(point) for point in points], 255, whole, joint="curve" if whole > 2 else None
        )
    if whole > 2:
        for x, y in (points[0], points[-1]):
            _dot(draw, x, y, width)
    elif len(points) == 1:
        _dot(draw, points[0][0], points[0][1], max(width, 2))


def _draw_nib(draw: ImageDraw.ImageDraw, points: Line, width: float, pen: Pen) -> None:
    """Draw a line whose width depends on its direction."""
    if len(points) == 1:
        _dot(draw, points[0][0], points[0][1], width)
        return
    ways = np.diff(points, axis=0)
    turned = np.arctan2(ways[:, 1], ways[:, 0]) - pen.angle
    widths = width * (1 - pen.nib * np.abs(np.cos(turned)))
    widths = np.convolve(np.pad(widths, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    for (x, y), (u, v), broad in zip(
        points[:-1].tolist(), points[1:].tolist(), widths.tolist(), strict=True
    ):
        draw.line((x, y, u, v), 255, max(1, round(broad)))
        if broad > 2:
            _dot(draw, u, v, broad)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float, width: float) -> None:
    r = width / 2
    draw.ellipse((x - r, y - r, x + r, y + r), 255)


def _grain(size: tuple[int, int], grain: float, rng: Rng) -> Ink:
    """Return the share of ink that a rough paper takes: float32 of `size`."""
    rough: Ink = rng.random((size[0] + 1, size[1] + 1), np.float32)
    rough = (rough[1:, 1:] + rough[:-1, 1:] + rough[1:, :-1] + rough[:-1, :-1]) / 4
    taken: Ink = np.clip(1 - grain * np.clip((rough - 0.35) * 4, 0, 1), 0, 1)
    return taken


def smooth(line: Line, passes: int) -> Line:
    """Return a line without staircases, its ends kept."""
    for _ in range(passes):
        if len(line) < 3:
            break
        line = np.concatenate([line[:1], (line[:-2] + 2 * line[1:-1] + line[2:]) / 4, line[-1:]])
    return line
