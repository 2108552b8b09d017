"""Layout: how the glyphs of a synthetic number follow each other, in digit heights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from PIL import Image

from inkfast.synthetic.hands import Glyph, Hand
from inkfast.synthetic.number_texts import THIN
from inkfast.synthetic.pens import Ink, Line

Rng = np.random.Generator
Sides: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom

_USUAL_SLANT = 0.08  # to the right, of the height
_NARROW = 0.25  # digit heights: such a glyph does not overlap its neighbours


@dataclass
class Layout:
    """How glyphs follow each other in one number, in digit heights."""

    gap: float
    gap_spread: float
    height_spread: float
    base_spread: float
    slope: float
    wave: float
    slant: float
    width: float
    small_zeros: float
    joined: float
    boxes: bool = False
    cell: float = 1.2
    flat_zeros: float = 1.0
    long_ones: float = 1.0


def sample_layout(rng: Rng) -> Layout:
    """Return a layout; a quarter of them touch."""
    kind = rng.random()
    if kind < 0.3:
        gap, spread = rng.uniform(-0.12, 0.08), 0.06
    elif kind < 0.85:
        gap, spread = rng.uniform(0.05, 0.35), 0.08
    else:
        gap, spread = rng.uniform(0.35, 1.4), 0.15
    slanted = rng.random() < 0.18
    slant = rng.uniform(0.3, 1.2) if slanted else rng.normal(_USUAL_SLANT, 0.2)
    return Layout(
        gap=gap,
        gap_spread=spread,
        height_spread=abs(rng.normal(0, 0.12)),
        base_spread=abs(rng.normal(0, 0.06)),
        slope=rng.normal(0, 0.05),
        wave=abs(rng.normal(0, 0.04)),
        slant=slant,
        width=float(np.exp(rng.normal(0, 0.13))),
        small_zeros=rng.uniform(0.4, 0.8) if rng.random() < 0.2 else 1.0,
        flat_zeros=rng.uniform(0.5, 0.9) if rng.random() < 0.15 else 1.0,
        long_ones=rng.uniform(1.1, 1.8) if rng.random() < (0.5 if slanted else 0.12) else 1.0,
        joined=rng.uniform(0.3, 0.9) if rng.random() < 0.2 else 0.0,
        boxes=rng.random() < 0.08,
        cell=rng.uniform(0.9, 1.9),
    )


@dataclass(frozen=True)
class Placed:
    """A glyph in its place: lines in digit heights, or a raster and its box."""

    character: str
    lines: tuple[Line, ...]
    raster: Ink | None
    box: Sides

    def moved(self, x: float, y: float) -> Placed:
        """Return the glyph moved."""
        left, top, right, bottom = self.box
        lines = tuple(line + np.array([x, y]) for line in self.lines)
        return replace(self, lines=lines, box=(left + x, top + y, right + x, bottom + y))


def place_text(text: str, hand: Hand, layout: Layout, rng: Rng) -> list[Placed]:
    """Lay the characters of a text from left to right."""
    placed: list[Placed] = []
    x = end = 0.0
    first_large = rng.random() < 0.06
    phase, length = rng.uniform(0, 6.3), rng.uniform(2, 6)
    for place, character in enumerate(text):
        if character == THIN:
            x += rng.uniform(0.1, 0.35) + 0.3 * max(0, layout.gap)
            continue
        if character == " ":
            x += (
                max(0.9, 2.2 * max(layout.gap, 0.1))
                + rng.uniform(0, 1.2)
                + layout.cell * layout.boxes
            )
            continue
        one = _shape(
            hand.glyph(character, rng), character, layout, rng, large=first_large and place == 0
        )
        left, _, right, _ = one.box
        gap = layout.gap + rng.normal(0, layout.gap_spread)
        if not character.isdigit():
            gap = max(gap * rng.uniform(0.3, 1), 0.02)
        narrow = right - left < _NARROW or not character.isdigit()
        if narrow:  # neither a 1 nor a full stop may vanish in its neighbours
            gap = max(gap, 0.02)
            x = max(x, end + rng.uniform(-0.02, 0.05))
        gap = max(gap, -0.5 * (right - left))
        if layout.boxes:
            start = x + max(0.0, (layout.cell - right + left) * rng.uniform(0.2, 0.8))
            step = layout.cell
        else:
            start, step = x, right - left + gap
        y = layout.slope * x + layout.wave * np.sin(x * 2 * np.pi / length + phase)
        placed.append(one.moved(start - left, y + rng.normal(0, layout.base_spread)))
        end = placed[-1].box[2]
        x += max(step, 0.05)
    return placed


def _shape(glyph: Glyph, character: str, layout: Layout, rng: Rng, *, large: bool) -> Placed:
    """Return a glyph in its size, slant and width, its left end near 0."""
    scale = float(np.exp(rng.normal(0, layout.height_spread)))
    flat = 1.0
    if character == "0":
        scale *= layout.small_zeros
        flat = layout.flat_zeros
    elif character == "1":
        scale *= layout.long_ones
    if large:
        scale *= rng.uniform(1.2, 2.3)
    anchor = 1.0 if rng.random() < 0.7 else 0.5  # on the base line, or in the middle
    wide = scale * layout.width * float(np.exp(rng.normal(0, 0.05)))
    if glyph.raster is not None:
        unit = scale * glyph.height / max(glyph.raster.shape)
        raster = _slant_raster(glyph.raster, layout.slant - _USUAL_SLANT)
        h, w = raster.shape
        tall = h * unit * flat
        top = 1 - tall if anchor == 1 else 0.5 - tall / 2
        box = (0.0, top, w * unit * layout.width, top + tall)
        return Placed(character, (), raster, box)
    turn = rng.normal(0, 0.05)
    matrix = np.array([[wide, turn * wide], [-(layout.slant + turn) * wide, scale * flat]])
    warp, at = rng.normal(0, 0.03, 2), rng.uniform(0, 6.3, 2)
    lines = []
    for line in glyph.lines:
        bent = line + warp * np.sin(line[:, ::-1] * 5 + at)
        lines.append((bent - [0, anchor]) @ matrix + [0, anchor])
    points = np.concatenate(lines)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return Placed(character, tuple(lines), None, (left, top, right, bottom))


def _slant_raster(raster: Ink, slant: float) -> Ink:
    """Return a raster whose top is moved to the right by `slant` of its height."""
    h, w = raster.shape
    size = (w + int(abs(slant) * h + 0.5), h)
    matrix = (1, slant, -max(slant, 0) * h, 0, 1, 0)
    image = Image.fromarray((raster * 255).astype(np.uint8))
    slanted = image.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(slanted, np.float32) / 255


def join_digits(placed: list[Placed], share: float, rng: Rng) -> list[Line]:
    """Return strokes from the end of a digit to the beginning of the next, as fast writers do."""
    joins = []
    for one, following in pairwise(placed):
        both = one.character.isdigit() and following.character.isdigit()
        if both and one.lines and following.lines and rng.random() < share:
            start, end = one.lines[-1][-1], following.lines[0][0]
            if np.hypot(*(end - start)) < 0.9:
                middle = (start + end) / 2 + [0, rng.uniform(-0.1, 0.15)]
                t = np.linspace(0, 1, 7)[:, None]
                joins.append((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end)
    return joins
