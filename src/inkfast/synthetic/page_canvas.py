"""A page being composed: pen strokes, printed text and rules, and where the numbers lie.

Content is laid out upright in pixels; `PageCanvas.turn` then turns all of it about the middle, so
that the rectangles of numbers are known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from inkfast.synthetic.layout import Layout, Placed, Sides, join_digits
from inkfast.synthetic.pens import Ink, Line, Pen, draw_lines

Rng = np.random.Generator
Quad: TypeAlias = NDArray[np.float64]  # (4, 2) corners x, y: top left, then clockwise
_JOIN_GAP, _PART_GAP = 1.5, 4.0  # digit heights; see `PageCanvas.add_number`
_MARGIN = 0.08  # digit heights around the points of a number: about half a stroke


@dataclass
class PageCanvas:
    """What is on a page, in pixels.

    Attributes:
        size: Height and width of the page.
        turn: Angle by which the content is turned about the middle, clockwise in radians.
        outline: Corners of the visible sheet ``(n, 2)``: what does not lie within is left out.
        numbers: Rectangles of numbers.
        others: Rectangles of words, printed text and scribbles.
        ignored: Rectangles that may be found or not.
    """

    size: tuple[int, int]
    turn: float = 0.0
    outline: NDArray[np.float64] | None = None
    numbers: list[Quad] = field(default_factory=list)
    others: list[Quad] = field(default_factory=list)
    ignored: list[Quad] = field(default_factory=list)
    written: list[Line] = field(default_factory=list)
    ruled: list[Line] = field(default_factory=list)
    rasters: list[tuple[Ink, Line]] = field(default_factory=list)
    printed: list[tuple[Image.Image, Line]] = field(default_factory=list)

    def to_page(self, points: Line) -> Line:
        """Return upright points turned about the middle."""
        middle = np.array(self.size[::-1]) / 2
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        turned: Line = (points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
        return turned

    def add_number(
        self, placed: list[Placed], layout: Layout, at: tuple[float, float], height: float,
        rng: Rng, *, alone: bool = False,
    ) -> bool:  # fmt: skip
        """Add a placed text, unless it would lie off the sheet.

        Parts that more than `_JOIN_GAP` digit heights separate are numbers of their own; a gap of
        less than `_PART_GAP` is ignored.

        Args:
            placed: Glyphs in digit heights; what is unknown alone is no number.
            layout: Their layout.
            at: Where the first glyph's left end and the top of the line lie, in pixels.
            height: Digit height in pixels.
            rng: Random generator of joining strokes.
            alone: Whether nothing else is on the page, so that no gap separates numbers.
        """
        shift = np.array(at) - np.array([placed[0].box[0], 0.0]) * height
        parts = [(one.character, _outline_points(one) * height + shift) for one in placed]
        turn = np.arctan(layout.slope)
        whole = enclosing_quad(
            np.concatenate([points for _, points in parts]), turn, _MARGIN * height
        )
        if not self.holds(whole):
            return False
        lines = [line for one in placed for line in one.lines]
        lines += join_digits(placed, layout.joined, rng) if layout.joined else []
        self.written += [self.to_page(line * height + shift) for line in lines]
        for one in placed:
            if one.raster is not None:
                self.rasters.append((one.raster, self.to_page(_corners(*one.box) * height + shift)))
        self._mark(parts, turn, height, np.inf if alone else _JOIN_GAP * height)
        return True

    def _mark(
        self, parts: list[tuple[str, Line]], turn: float, height: float, widest_gap: float
    ) -> None:
        """Note the rectangles of a text's numbers."""
        axis = np.array([np.cos(turn), np.sin(turn)])
        groups: list[list[tuple[str, Line]]] = []
        end = -np.inf
        for part in parts:
            along = part[1] @ axis
            if not groups or along.min() - end > widest_gap:
                groups.append([])
            groups[-1].append(part)
            end = max(end, float(along.max()))
        margin = _MARGIN * height
        quads = [
            enclosing_quad(np.concatenate([points for _, points in group]), turn, margin)
            for group in groups
        ]
        for group, quad in zip(groups, quads, strict=True):
            known = any(character.isdigit() for character, _ in group)
            (self.numbers if known else self.others).append(self.to_page(quad))
        for before, after in pairwise(quads):
            if np.hypot(*(after[0] - before[1])) < _PART_GAP * height:
                self.ignored.append(
                    self.to_page(np.array([before[1], after[0], after[3], before[2]]))
                )

    def add_word(self, lines: list[Line], margin: float) -> bool:
        """Add pen strokes that are no number, unless they would lie off the sheet."""
        quad = enclosing_quad(np.concatenate(lines), 0.0, margin)
        if not self.holds(quad):
            return False
        self.written += [self.to_page(line) for line in lines]
        self.others.append(self.to_page(quad))
        return True

    def add_rules(self, lines: list[Line]) -> None:
        """Add printed lines."""
        self.ruled += [self.to_page(np.asarray(line, np.float64)) for line in lines]

    def add_print(self, text: str, at: tuple[float, float], font: ImageFont.FreeTypeFont) -> bool:
        """Add printed text at its left top corner; its digits may be found or not."""
        left, top, right, bottom = font.getbbox(text)
        x, y = at
        quad = _corners(x, y, x + right - left, y + bottom - top)
        if right <= left or bottom <= top or not self.holds(quad):
            return False
        image = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
        ImageDraw.Draw(image).text((1 - left, 1 - top), text, 255, font=font)
        x1, y1 = x + image.width, y + image.height
        self.printed.append((image, self.to_page(_corners(x, y, x1, y1))))
        has_digits = any(character.isdigit() for character in text)
        (self.ignored if has_digits else self.others).append(self.to_page(quad))
        return True

    def holds(self, quad: Quad) -> bool:
        """Return whether upright corners lie on the sheet once they are turned."""
        if self.outline is None:
            return True
        edges = np.roll(self.outline, -1, axis=0) - self.outline
        inner = self.to_page(quad)[:, None] - self.outline
        return bool((edges[:, 0] * inner[..., 1] - edges[:, 1] * inner[..., 0] > 2).all())

    def draw(self, pen: Pen, rule_pen: Pen, rng: Rng) -> tuple[Ink, Ink]:
        """Return the ink of what is written, and of what is printed."""
        written = (
            draw_lines(self.written, self.size, pen, rng)
            if self.written
            else np.zeros(self.size, np.float32)
        )
        for raster, corners in self.rasters:
            image = Image.fromarray((raster * 255).astype(np.uint8))
            _paste_quad(written, image, corners)
        ruled: Ink = np.zeros(self.size, np.float32)
        if self.ruled:
            ruled = draw_lines(self.ruled, self.size, rule_pen, rng) * rng.uniform(0.25, 1)
        for image, corners in self.printed:
            _paste_quad(ruled, image, corners)
        return written, ruled


def enclosing_quad(points: Line, turn: float, margin: float) -> Quad:
    """Return the rectangle at an angle that encloses points and a margin."""
    cos, sin = np.cos(turn), np.sin(turn)
    back = np.array([[cos, -sin], [sin, cos]])
    low, high = (points @ back).min(axis=0) - margin, (points @ back).max(axis=0) + margin
    quad: Quad = _corners(low[0], low[1], high[0], high[1]) @ back.T
    return quad


def _corners(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _outline_points(one: Placed) -> Line:
    """Return points that enclose a glyph, in digit heights."""
    if one.lines:
        return np.concatenate(one.lines)
    sides: Sides = one.box
    return _corners(*sides)


def _paste_quad(ink: Ink, image: Image.Image, corners: Quad) -> None:
    """Add an image's ink, its corners moved to those of a parallelogram."""
    low = np.floor(corners.min(axis=0)).astype(int) - 1
    high = np.ceil(corners.max(axis=0)).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, ink.shape[::-1])
    if (high - low < 2).any():
        return
    size = np.array(image.size)
    across, down = (corners[1] - corners[0]) / size[0], (corners[3] - corners[0]) / size[1]
    back = np.linalg.inv(np.stack([across, down], axis=1))
    start = back @ (low + 0.5 - corners[0]) - back @ np.array([0.5, 0.5])
    scale = float(np.sqrt(abs(np.linalg.det(back))))
    if scale > 1.5:  # average before the image is made smaller
        smaller = np.maximum(2, np.rint(size / scale)).astype(int)
        return _paste_quad(
            ink, image.resize((int(smaller[0]), int(smaller[1])), Image.Resampling.BOX), corners
        )
    matrix = (back[0, 0], back[0, 1], start[0], back[1, 0], back[1, 1], start[1])
    window = (int(high[0] - low[0]), int(high[1] - low[1]))
    patch = image.transform(window, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    part = ink[low[1] : high[1], low[0] : high[0]]
    np.maximum(part, np.asarray(patch, np.float32) / 255, out=part)
