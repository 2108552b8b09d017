"""Pen strokes drawn as images of 28x28 pixels in MNIST's manner.

A digit is drawn with one pen of even width at twice the final size, then brought into MNIST's
frame: scaled into 20x20 pixels, its centre of mass in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Images, Indices
from inkfast.imaging.centering import BOX, center_digit
from inkfast.synthetic.pen_strokes import PenStrokes
from inkfast.synthetic.pens import Pen, draw_lines, smooth

_SCALE = 2  # pixels drawn per pixel of the image, besides the pen's own supersampling
_SMOOTHINGS = 3  # passes over the lines of a coarse tablet; chosen by eye
# Share of steps parallel to an axis from which a tablet is coarse. Chosen by eye on UniPen.
_COARSE_STEPS = 0.5
_PEN = 2.4  # median width in pixels, with which UniPen's digits have as much ink as MNIST's
_PEN_SPREAD = 0.25  # standard deviation of its logarithm between writers
_PEN_LIMITS = (1.5, 4.5)  # pixels


def draw_digits(strokes: PenStrokes) -> Images:
    """Draw all samples, each writer with a pen of his or her own.

    Returns:
        uint8 ``(n, 28, 28)``, the same for the same strokes.
    """
    widths = np.array([_pen_width(str(name)) for name in strokes.writer_names])
    coarse = np.isin(np.arange(len(widths)), coarse_writers(strokes))
    return np.stack([
        draw_digit(strokes.strokes(i), widths[writer], coarse=bool(coarse[writer]))
        for i, writer in enumerate(strokes.writers)
    ])  # fmt: skip


def _pen_width(writer: str) -> float:
    """Return the width of a writer's pen in pixels; it depends on the name alone."""
    seed = int.from_bytes(blake2b(writer.encode(), digest_size=8).digest(), "big")
    width = _PEN * np.exp(np.random.default_rng(seed).normal(0, _PEN_SPREAD))
    return float(np.clip(width, *_PEN_LIMITS))


def coarse_writers(strokes: PenStrokes) -> Indices:
    """Return the writers whose tablets recorded staircases, as indices into `writer_names`.

    On such a tablet most steps are parallel to an axis, in half of a writer's samples or more.
    """
    steps = np.diff(strokes.points.astype(np.int64), axis=0)
    of_stroke = np.repeat(np.arange(len(strokes)), np.diff(strokes.sample_start))
    of_point = np.repeat(of_stroke, np.diff(strokes.stroke_start))[1:]
    within = np.ones(len(steps), bool)
    within[strokes.stroke_start[1:-1] - 1] = False  # from one stroke to the next
    of_step, parallel = of_point[within], (steps == 0).any(axis=1)[within]
    count, found = (np.bincount(of_step, w, len(strokes)) for w in (None, parallel))
    share = found / np.maximum(count, 1)
    writers = np.unique(strokes.writers).astype(np.int64)
    medians = np.array([np.median(share[strokes.samples_of(writer)]) for writer in writers])
    return writers[medians >= _COARSE_STEPS]


def draw_digit(
    strokes: Sequence[NDArray[np.number]], width: float, *, coarse: bool = False
) -> Images:
    """Draw one digit.

    Args:
        strokes: Strokes of at least one point ``(points, 2)``: x to the right, y downwards.
        width: Width of the pen in pixels of the image.
        coarse: Whether the lines are staircases, to be smoothed.

    Returns:
        uint8 ``(28, 28)``, bright ink on black.
    """
    lines = [smooth(np.asarray(s, np.float64), _SMOOTHINGS if coarse else 0) for s in strokes]
    points = np.concatenate(lines)
    low, extent = points.min(axis=0), max(float(np.ptp(points, axis=0).max()), 1.0)
    pen = width * _SCALE
    scale = (BOX * _SCALE - pen) / extent
    columns, rows = np.ceil(np.ptp(points, axis=0) * scale + 2 * pen).astype(int).tolist()
    placed = [(line - low) * scale + pen for line in lines]
    return center_digit(draw_lines(placed, (rows, columns), Pen(pen), np.random.default_rng(0)))
