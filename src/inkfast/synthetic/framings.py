"""Framings: one handwritten character as people crop, scan, draw and photograph it.

A framing says how much paper is around the ink, what else is on it and what recorded it. Lengths
are shares of the longer side of the ink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from PIL import Image

from inkfast.synthetic.hands import Glyph
from inkfast.synthetic.papers import sample_paper
from inkfast.synthetic.pens import Ink, Line, Pen, draw_lines, sample_pen
from inkfast.synthetic.scanning import Grey, degrade, expose

Rng: TypeAlias = np.random.Generator
_BILINEAR = Image.Resampling.BILINEAR
_SIZES = (14.0, 44.0)  # pixels of the longer side of the ink


@dataclass(frozen=True)
class Framing:
    """How one character is framed.

    Attributes:
        margins: Paper left, above, right and below; a negative margin cuts the ink off.
        stretch: Factor of the width; 0 makes the ink as wide as it is tall.
        neighbours: Number of other characters whose edges reach into the image.
        rules: Number of rules and edges of form boxes beside the ink.
        weight: Factor of the width of strokes.
        paper: Whether there is a paper with its grain, patterns and light.
        bilevel: Whether pixels are either ink or paper.
        side: Longer side of the recorded image in pixels; 0 for the size at which it is drawn.
    """

    margins: tuple[float, float, float, float] = (0.2, 0.2, 0.2, 0.2)
    stretch: float = 1.0
    neighbours: int = 0
    rules: int = 0
    weight: float = 1.0
    paper: bool = False
    bilevel: bool = False
    side: int = 0


def _margins(rng: Rng, low: float, high: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = rng.uniform(low, high, 4).tolist()
    return left, top, right, bottom


def _cut(rng: Rng) -> Framing:
    margins = list(_margins(rng, 0, 0.3))
    margins[rng.integers(4)] = -rng.uniform(0.03, 0.12)
    return Framing((margins[0], margins[1], margins[2], margins[3]))


def _photograph(rng: Rng) -> Framing:
    sides = _margins(rng, 0.05, 0.9)
    weight = float(np.exp(rng.normal(0, 0.3)))
    return Framing(sides, neighbours=int(rng.random() < 0.1), weight=weight, paper=True)


FRAMINGS: dict[str, Callable[[Rng], Framing]] = {
    "tight": lambda rng: Framing(_margins(rng, 0, 0.04)),
    "loose": lambda rng: Framing(_margins(rng, 0.3, 1.2)),
    "stretched": lambda rng: Framing(
        _margins(rng, 0, 0.08), stretch=0.0 if rng.random() < 0.6 else float(rng.uniform(0.7, 1.6)),
        bilevel=bool(rng.random() < 0.6), side=int(rng.choice([0, 16, 16, 32])),
    ),
    "thick": lambda rng: Framing(_margins(rng, 0.02, 0.4), weight=float(rng.uniform(1.5, 2.4))),
    "thin": lambda rng: Framing(_margins(rng, 0.02, 0.4), weight=float(rng.uniform(0.2, 0.6))),
    "bilevel": lambda rng: Framing(
        _margins(rng, 0, 0.3), bilevel=True, side=int(rng.choice([0, 20, 32]))
    ),
    "low resolution": lambda rng: Framing(_margins(rng, 0, 0.25), side=int(rng.integers(9, 18))),
    "neighbours": lambda rng: Framing(
        _margins(rng, 0, 0.2), neighbours=int(rng.integers(1, 3)), paper=bool(rng.random() < 0.5)
    ),
    "rules": lambda rng: Framing(
        _margins(rng, 0.05, 0.4), rules=int(rng.integers(1, 5)), paper=bool(rng.random() < 0.3)
    ),
    "cut edge": _cut,
    "photograph": _photograph,
}  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """A drawing in progress: its ink and the place of the character.

    Attributes:
        ink: Ink ``(h, w)``.
        unit: Longer side of the character's ink, in pixels.
        box: Left, top, right and bottom of the character's ink, in pixels.
    """

    ink: Ink
    unit: float
    box: tuple[int, int, int, int] = field(default=(0, 0, 0, 0))


def frame_glyph(
    glyph: Glyph, framing: Framing, rng: Rng, others: Callable[[], Glyph] | None = None
) -> Grey:
    """Return a character in a frame, as recorded: uint8 ``(h, w)``, at least 8 pixels a side.

    Args:
        glyph: The character.
        framing: How it is framed.
        rng: Random generator of pen, paper and recording.
        others: Function that returns neighbours; needed if the framing has any.
    """
    unit = float(np.exp(rng.uniform(*np.log(_SIZES))))
    pen = sample_pen(rng, unit)
    pen = replace(pen, width=pen.width * framing.weight, sharp=pen.sharp or framing.bilevel)
    own = _draw_glyph(glyph, unit, framing.stretch, pen, rng)
    sheet = _place(own, unit, framing.margins)
    for _ in range(framing.neighbours if others else 0):
        assert others is not None  # noqa: S101 - as in the line above
        side = _draw_glyph(others(), unit * float(np.exp(rng.normal(0, 0.15))), 1, pen, rng)
        sheet = _add_neighbour(sheet, side, rng)
    ink = sheet.ink
    if framing.rules:
        ink = np.maximum(ink, _draw_rules(sheet, framing.rules, rng))
    return _record(ink, unit, framing, rng)


def _record(ink: Ink, unit: float, framing: Framing, rng: Rng) -> Grey:
    """Return what a camera, scanner or program makes of the ink."""
    if framing.paper:
        grey = expose(ink, sample_paper(ink.shape, unit, rng), rng)
        return _resize(degrade(grey, unit, rng), framing.side)
    contrast = rng.uniform(0.3, 1) if rng.random() < 0.3 else 1.0
    grey = 1 - contrast * ink
    if rng.random() < 0.2 and not framing.bilevel:
        grey = np.clip(grey + rng.normal(0, rng.uniform(0, 0.08) * contrast, grey.shape), 0, 1)
    small = _resize(np.asarray(np.rint(255 * grey), np.uint8), framing.side)
    if framing.bilevel:
        low, high = float(small.min()), float(small.max())
        small = np.where(small < low + rng.uniform(0.3, 0.7) * (high - low), 0, 255)
    return np.asarray(small if rng.random() < 0.5 else 255 - small, np.uint8)


def _resize(grey: Grey, side: int) -> Grey:
    height, width = grey.shape
    scale = side / max(height, width) if side else 1.0
    size = max(8, round(scale * width)), max(8, round(scale * height))
    if size == (width, height):
        return grey
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))


def _draw_glyph(glyph: Glyph, unit: float, stretch: float, pen: Pen, rng: Rng) -> Ink:
    """Return a character's ink, cropped to it, its longer side about `unit` pixels."""
    ink = (
        _draw_strokes(glyph, unit, stretch, pen, rng)
        if glyph.raster is None
        else _draw_raster(glyph.raster, unit, stretch, pen, rng)
    )
    inked = ink > 0.3 * max(float(ink.max()), 1e-3)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _draw_strokes(glyph: Glyph, unit: float, stretch: float, pen: Pen, rng: Rng) -> Ink:
    slant, turn = rng.normal(0.05, 0.18), rng.normal(0, 0.07)
    warp, phase = rng.normal(0, 0.025, 2), rng.uniform(0, 6.3, 2)
    matrix = np.array([[1.0, turn], [-slant - turn, 1.0]])
    lines = [(line + warp * np.sin(line[:, ::-1] * 5 + phase)) @ matrix for line in glyph.lines]
    points = np.concatenate(lines)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 0.08)
    ratio = stretch or float(np.clip(span[1] / span[0], 0.4, 4))
    # the ends of strokes are round and reach half a pen's width beyond
    scale = np.array([ratio, 1.0]) * max(1.0, unit - pen.width) / max(span[0] * ratio, span[1])
    edge = pen.width / 2 + 1
    width, height = np.ceil(span * scale + 2 * edge).astype(int).tolist()
    return draw_lines([(line - low) * scale + edge for line in lines], (height, width), pen, rng)


def _draw_raster(raster: Ink, unit: float, stretch: float, pen: Pen, rng: Rng) -> Ink:
    height, width = raster.shape
    ratio = stretch or float(np.clip(height / width, 0.4, 4))
    ratio *= float(np.exp(rng.normal(0, 0.06)))
    scale = unit / max(width * ratio, height)
    size = max(2, round(width * ratio * scale)) + 2, max(2, round(height * scale)) + 2
    padded = np.pad(raster, 1)
    slant, turn = rng.normal(0, 0.12), rng.normal(0, 0.06)
    sides = (width + 2) / size[0], (height + 2) / size[1]
    middle = (width + 2) / 2, (height + 2) / 2
    a, b, d, e = sides[0], slant * sides[1], turn * sides[0], sides[1]
    corner = (
        middle[0] - a * size[0] / 2 - b * size[1] / 2,
        middle[1] - d * size[0] / 2 - e * size[1] / 2,
    )
    ink = np.asarray(
        Image.fromarray(padded.astype(np.float32)).transform(
            size, Image.Transform.AFFINE, (a, b, corner[0], d, e, corner[1]), _BILINEAR
        )
    )
    return _change_weight(ink, pen, unit, rng)


def _change_weight(ink: Ink, pen: Pen, unit: float, rng: Rng) -> Ink:
    """Make a raster's strokes thinner or thicker towards the pen's width, within reason."""
    if rng.random() < 0.3:
        return ink
    level = float(np.clip(0.5 - 3 * (pen.width / unit - 0.1), 0.12, 0.8))
    return np.clip((ink - level) * rng.uniform(2, 6) + 0.5, 0, 1)


def _place(own: Ink, unit: float, margins: tuple[float, float, float, float]) -> Sheet:
    """Return the character on an empty sheet with margins, cut where they are negative."""
    pixels = [round(margin * unit) for margin in margins]
    left, top, right, bottom = (max(0, margin) for margin in pixels)
    cut = [max(0, -margin) for margin in pixels]
    own = own[cut[1] : own.shape[0] - cut[3], cut[0] : own.shape[1] - cut[2]]
    height, width = own.shape
    ink = np.pad(own, ((top, bottom), (left, right)))
    lack = [max(0, 8 - side) for side in ink.shape]
    ink = np.pad(ink, ((0, lack[0]), (0, lack[1])))
    return Sheet(ink, unit, (left, top, left + width, top + height))


def _add_neighbour(sheet: Sheet, other: Ink, rng: Rng) -> Sheet:
    """Let the edge of another character reach into the sheet from one of its sides."""
    turns = int(rng.choice([0, 2, 1, 3], p=(0.4, 0.4, 0.1, 0.1)))  # right, left, below, above
    ink = np.rot90(sheet.ink, turns).copy()
    other = np.rot90(other, turns)
    seen = max(1, round(float(rng.beta(1.2, 3)) * 0.8 * other.shape[1]))
    gap = round(rng.normal(0.06, 0.06) * sheet.unit)
    own = np.flatnonzero((ink > 0.3).any(axis=0))
    start = max(0, (own[-1] + 1 if len(own) else 0) + gap)
    width = start + seen
    ink = np.pad(ink, ((0, 0), (0, max(0, width - ink.shape[1]))))[:, :width]
    top = int(rng.integers(-(other.shape[0] // 3), max(1, ink.shape[0] - 2 * other.shape[0] // 3)))
    rows = slice(max(0, top), max(0, min(ink.shape[0], top + other.shape[0])))
    patch = other[rows.start - top : rows.stop - top, :seen]
    target = ink[rows, start:width]
    np.maximum(target, patch[: target.shape[0], : target.shape[1]], out=target)
    return replace(sheet, ink=np.rot90(ink, -turns))


def _draw_rules(sheet: Sheet, n: int, rng: Rng) -> Ink:
    """Return rules and edges of form boxes across the whole sheet, most of them beside the ink."""
    height, width = sheet.ink.shape
    left, top, right, bottom = sheet.box
    slope = rng.normal(0, 0.015)
    beside = rng.uniform(-0.06, 0.25, 4) * sheet.unit
    places = [top - beside[0], bottom + beside[1], left - beside[2], right + beside[3]]
    lines: list[Line] = []
    for side in rng.permutation(4)[:n]:
        at = float(places[side])
        if side < 2:
            lines.append(np.array([[-1.0, at], [width + 1.0, at + slope * width]]))
        else:
            lines.append(np.array([[at, -1.0], [at + slope * height, height + 1.0]]))
    pen = Pen(max(0.8, sheet.unit * rng.uniform(0.02, 0.07)))
    return draw_lines(lines, (height, width), pen, rng) * rng.uniform(0.3, 1)
