"""Examples of synthetic numbers: what each pen, paper, mark and scanning effect does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.synthetic.layout import Layout, place_text, sample_layout
from inkfast.synthetic.papers import PATTERNS, SHADES
from inkfast.synthetic.pens import PENS, Ink, Pen, draw_lines
from inkfast.synthetic.scanning import EFFECTS, to_bytes
from inkfast.synthetic.strips import Handwriting, compose_strip

Rng = np.random.Generator
_TEXT = "1.250,68"
_HEIGHT = 44.0  # of a digit in pixels
_SIZE = (86, 300)


def draw_examples(
    handwriting: Handwriting, n: int, seed: int = 0
) -> dict[str, list[NDArray[np.uint8]]]:
    """Return `n` images of each pen, layout, paper and effect, and of everything together.

    Args:
        handwriting: Where hands are drawn from.
        n: Number of images in a row.
        seed: Seed of the random generator.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[NDArray[np.uint8]]] = {}
    for name, (_, make_pen) in PENS.items():
        drawn = [
            _write(handwriting, even_layout(rng), make_pen(_HEIGHT, rng), rng) for _ in range(n)
        ]
        rows[f"pen: {name}"] = [to_bytes(1 - ink) for ink in drawn]
    usual = Pen(0.08 * _HEIGHT)
    drawn = [_write(handwriting, sample_layout(rng), usual, rng) for _ in range(n)]
    rows["layouts"] = [to_bytes(1 - ink) for ink in drawn]
    for name, (_, make_paper) in {**PATTERNS, **SHADES}.items():
        papers = [make_paper(_SIZE, _HEIGHT, rng) for _ in range(n)]
        rows[f"paper: {name}"] = [
            to_bytes(paper * (1 - 0.8 * _write(handwriting, even_layout(rng), usual, rng)))
            for paper in papers
        ]
    for name, (_, effect) in EFFECTS.items():
        greys = [1 - 0.8 * _write(handwriting, even_layout(rng), usual, rng) for _ in range(n)]
        rows[f"scan: {name}"] = [to_bytes(effect(grey, _HEIGHT, rng)) for grey in greys]
    rows["together"] = [compose_strip(handwriting, rng).image for _ in range(n)]
    return rows


def even_layout(rng: Rng) -> Layout:
    """Return a layout without anything unusual."""
    spread: dict[str, Any] = dict.fromkeys(("gap_spread", "height_spread", "base_spread"), 0.03)
    return Layout(
        gap=0.15, slope=0.0, wave=0.0, slant=rng.normal(0.1, 0.1), width=1.0, small_zeros=1.0,
        joined=0.0, **spread,
    )  # fmt: skip


def _write(handwriting: Handwriting, layout: Layout, pen: Pen, rng: Rng) -> Ink:
    """Return the ink of the example text, as large as fits."""
    placed = place_text(_TEXT, handwriting.strokes.sample_hand(rng), layout, rng)
    boxes = np.array([one.box for one in placed])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    scale = min(_HEIGHT, *(0.92 * np.array(_SIZE[::-1]) / (high - low)))
    shift = (np.array(_SIZE[::-1]) / scale - (high - low)) / 2 - low
    lines = [(line + shift) * scale for one in placed for line in one.lines]
    return draw_lines(lines, _SIZE, pen, rng)
