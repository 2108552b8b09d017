"""Marks: what is on a strip beside its number: rules, frames, form boxes, neighbours, stamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.synthetic.hands import StrokeLibrary
from inkfast.synthetic.layout import Layout, Placed, Sides
from inkfast.synthetic.pens import Ink, Line, Pen, draw_lines

Rng = np.random.Generator


def draw_marks(
    size: tuple[int, int], height: float, box: Sides,
    placed: list[Placed], shift: NDArray[np.floating], layout: Layout,
    strokes: StrokeLibrary, rng: Rng,
) -> Ink:  # fmt: skip
    """Return the ink of what is not part of the number: rules, boxes, neighbours, stamps."""
    left, top, right, bottom = box
    ink: Ink = np.zeros(size, np.float32)
    thin = Pen(max(0.8, height * rng.uniform(0.02, 0.07)))
    printed: list[Line] = []
    slope = rng.normal(0, 0.01)
    width = size[1] / height

    def rule(y: float, x0: float = -1.0, x1: float = 1e3) -> Line:
        x0, x1 = max(x0, -1.0), min(x1, width + 1)
        return np.array([[x0, y + slope * x0], [x1, y + slope * x1]])

    def post(x: float, y0: float, y1: float) -> Line:
        return np.array([[x, y0], [x + slope * (y1 - y0), y1]])

    if layout.boxes and placed:
        printed += _form_boxes(box, placed, shift, layout, rng)
    elif rng.random() < 0.16:  # an underline or a rule
        printed.append(rule(bottom + rng.uniform(-0.12, 0.3)))
        if rng.random() < 0.3:
            printed.append(rule(top - rng.uniform(-0.08, 0.4)))
    elif rng.random() < 0.06:  # a frame
        x0, x1 = left - rng.uniform(0.05, 0.5), right + rng.uniform(0.05, 0.5)
        y0, y1 = top - rng.uniform(0.02, 0.35), bottom + rng.uniform(0.02, 0.35)
        printed += [rule(y0, x0, x1), rule(y1, x0, x1), post(x0, y0, y1), post(x1, y0, y1)]
    elif rng.random() < 0.05:  # a table's rule beside the number
        x = left - rng.uniform(0.1, 0.5) if rng.random() < 0.5 else right + rng.uniform(0.1, 0.5)
        printed.append(post(x, -1, size[0] / height + 1))
    if printed:
        ink = draw_lines([line * height for line in printed], size, thin, rng) * rng.uniform(
            0.25, 1.0
        )
    if rng.random() < 0.16:
        ink = np.maximum(ink, _neighbours(size, height, box, strokes, rng))
    if rng.random() < 0.04:  # a stamp
        t = np.linspace(0, 2 * np.pi, 40)[:, None]
        centre = np.array([rng.uniform(left, right), rng.uniform(top, bottom)])
        ring = centre + rng.uniform(0.6, 2.5) * np.concatenate([np.cos(t), np.sin(t)], axis=1)
        ink = np.maximum(ink, draw_lines([ring * height], size, thin, rng) * rng.uniform(0.15, 0.5))
    if rng.random() < 0.04:  # specks
        n = int(rng.integers(1, 5))
        spots = [
            np.array([[rng.uniform(0, width), rng.uniform(0, size[0] / height)]]) * height
            for _ in range(n)
        ]
        ink = np.maximum(ink, draw_lines(spots, size, Pen(height * rng.uniform(0.02, 0.05)), rng))
    return ink


def _form_boxes(
    box: Sides, placed: list[Placed], shift: NDArray[np.floating],
    layout: Layout, rng: Rng,
) -> list[Line]:  # fmt: skip
    """Return the frames of a row of form boxes, one for each character."""
    _, top, _, bottom = box
    start = min(one.box[0] for one in placed) + shift[0] - rng.uniform(0.0, 0.25)
    y0, y1 = top - rng.uniform(0.02, 0.4), bottom + rng.uniform(0.02, 0.4)
    n = len(placed) + int(rng.integers(0, 2))
    apart = rng.uniform(0.08, 0.25) * layout.cell if rng.random() < 0.4 else 0.0
    lines: list[Line] = []
    kind = rng.random()
    for i in range(n):
        x0, x1 = start + i * layout.cell + apart / 2, start + (i + 1) * layout.cell - apart / 2
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
        if kind < 0.7:
            lines.append(corners)
        elif kind < 0.85:  # open above, as a comb
            comb = (y0 + 2 * y1) / 3
            lines.append(np.array([[x0, comb], [x0, y1], [x1, y1], [x1, comb]]))
        else:  # a line for each digit
            lines.append(np.array([[x0 + 0.08, y1], [x1 - 0.08, y1]]))
    return lines


def _neighbours(
    size: tuple[int, int], height: float, box: Sides,
    strokes: StrokeLibrary, rng: Rng,
) -> Ink:  # fmt: skip
    """Return parts of other lines and words that reach to the edge of the crop."""
    left, top, right, bottom = box
    hand = strokes.sample_hand(rng)
    lines: list[Line] = []
    for _ in range(rng.integers(1, 6)):
        glyph = hand.glyph(str(rng.integers(10)), rng)
        points = np.concatenate(glyph.lines)
        low, high = points.min(axis=0), points.max(axis=0)
        x = rng.uniform(left - 1, right + 1)
        y = (
            top - rng.uniform(0.02, 0.3) - high[1]
            if rng.random() < 0.5
            else bottom + rng.uniform(0.02, 0.3) - low[1]
        )
        lines += [line + np.array([x - low[0], y]) for line in glyph.lines]
    pen = Pen(height * rng.uniform(0.04, 0.14))
    return draw_lines([line * height for line in lines], size, pen, rng) * rng.uniform(0.6, 1)
