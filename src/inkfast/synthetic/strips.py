"""Strips: numbers composed of glyphs, on paper, as a scanner or a camera sees them.

`compose_strip` lays glyphs on a line, adds rules, boxes and traces of neighbours, crops the
result as a page reader would, and returns it with its text. Sizes are in digit heights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.synthetic.hands import (
    Hand,
    MixedHand,
    RasterDigits,
    RasterHand,
    StrokeLibrary,
    StyleHand,
    WriterHand,
)
from inkfast.synthetic.layout import Layout, Placed, Sides, join_digits, place_text, sample_layout
from inkfast.synthetic.marks import draw_marks
from inkfast.synthetic.number_texts import THIN, random_digits, sample_text
from inkfast.synthetic.papers import sample_paper
from inkfast.synthetic.pens import Ink, Line, Pen, draw_lines, sample_pen
from inkfast.synthetic.scanning import degrade, expose

Rng = np.random.Generator
BILINEAR = Image.Resampling.BILINEAR
_PAD = 1.2  # paper around the writing before it is cropped
# Share of strips that are easily read. By eye; trained on with it, a network read more of MNIST's
# numbers and fewer cheques, so the shipped weights are a mean with those of strips without.
_CLEAR = 0.6


@dataclass(frozen=True)
class Strip:
    """A composed number.

    Attributes:
        image: uint8 ``(height, width)``.
        text: What is written, in a number reader's alphabet.
    """

    image: NDArray[np.uint8]
    text: str


@dataclass(frozen=True, eq=False)
class Handwriting:
    """Where hands are drawn from.

    Args:
        strokes: Pen strokes.
        rasters: Data sets of images of digits with their shares among the raster hands.
    """

    strokes: StrokeLibrary
    rasters: tuple[tuple[RasterDigits, float], ...] = ()

    def sample_hand(self, rng: Rng) -> Hand:
        """Return the hand of one number."""
        writer = self.strokes.sample_hand(rng)
        kind = rng.random()
        if kind < 0.1:
            return StyleHand(writer)
        usual: Hand = writer
        if kind > 0.6 and self.rasters:
            shares = np.array([share for _, share in self.rasters])
            digits, _ = self.rasters[rng.choice(len(shares), p=shares / shares.sum())]
            usual = RasterHand(digits, writer)
        return mix_styles(usual, writer, rng)


def mix_styles(usual: Hand, symbols: WriterHand, rng: Rng) -> Hand:
    """Return a hand, in four of ten cases with some of its digits in drawn styles."""
    if rng.random() < 0.6:
        return usual
    drawn = rng.choice(10, int(rng.integers(1, 5)), replace=False)
    return MixedHand(usual, StyleHand(symbols), frozenset(map(str, drawn)))


def compose_strip(handwriting: Handwriting, rng: Rng, text: str | None = None) -> Strip:
    """Compose one strip.

    Args:
        handwriting: Where hands are drawn from.
        rng: Random generator of everything.
        text: Text in a number reader's alphabet, or None for a random one; "" gives bare paper.
    """
    if text is None:
        text = "" if rng.random() < 0.025 else sample_text(rng)
    image = _compose(text, handwriting.sample_hand(rng), handwriting.strokes, rng)
    return Strip(image, text.replace(THIN, ""))


def compose_digit(hand: Hand, strokes: StrokeLibrary, rng: Rng) -> Strip:
    """Compose a number and cut out one of its digits, with what its neighbours leave around it.

    Args:
        hand: Hand of the number.
        strokes: Pen strokes of numbers in other lines.
        rng: Random generator of everything.
    """
    text = random_digits(rng, int(rng.integers(2, 5)))
    place = int(rng.integers(len(text)))
    return Strip(_compose(text, hand, strokes, rng, cut=place), text[place])


def _compose(
    text: str, hand: Hand, strokes: StrokeLibrary, rng: Rng, cut: int | None = None
) -> NDArray[np.uint8]:
    """Return the image of a text, or of the character in one place of it."""
    height = float(np.exp(rng.uniform(np.log(14), np.log(46))))
    layout = sample_layout(rng)
    placed = place_text(text, hand, layout, rng)
    lines = [line for one in placed for line in one.lines]
    if layout.joined:
        lines += join_digits(placed, layout.joined, rng)
    return _draw(placed, lines, layout, height, strokes, rng, cut)


def _draw(
    placed: list[Placed], lines: list[Line], layout: Layout, height: float,
    strokes: StrokeLibrary, rng: Rng, cut: int | None,
) -> NDArray[np.uint8]:  # fmt: skip
    """Draw the placed glyphs, the paper and the marks, and crop."""
    if placed:
        boxes = np.array([one.box for one in placed])
        left, top = boxes[:, :2].min(axis=0)
        right, bottom = boxes[:, 2:].max(axis=0)
    else:
        left, top, right, bottom = 0.0, 0.0, rng.uniform(0.5, 5), 1.0
    shift = np.array([_PAD - left, _PAD - top])
    size = (int((bottom - top + 2 * _PAD) * height), int((right - left + 2 * _PAD) * height))
    pen = sample_pen(rng, height)
    rasters = [(one.raster, one.moved(*shift).box) for one in placed if one.raster is not None]
    if rasters:  # symbols as thick as a raster's strokes
        pen = Pen(height * rng.uniform(0.07, 0.14))
    ink = np.zeros(size, np.float32)
    if lines:
        ink = draw_lines([(line + shift) * height for line in lines], size, pen, rng)
    for raster, at in rasters:
        _paste(ink, raster, at, height)
    if rasters:
        ink = _sharpen(ink, rng)
    written = (left + shift[0], top + shift[1], right + shift[0], bottom + shift[1])
    marks = draw_marks(size, height, written, placed, shift, layout, strokes, rng)
    paper = sample_paper(size, height, rng)
    clear = rng.random() < _CLEAR
    around = _around_number(written, rng)
    if cut is not None:
        around = _around_digit(placed[cut].moved(*shift).box, rng)
    x0, y0, x1, y1 = _crop_box(around, height, size)
    window = slice(y0, y1), slice(x0, x1)
    ink, paper, marks = ink[window], paper[window], marks[window]
    density = rng.uniform(0.75, 1.0)
    grey = expose(np.maximum(ink * density, marks), paper, rng, clear=clear)
    return degrade(grey, height, rng, clear=clear)


def _paste(ink: Ink, raster: Ink, box: Sides, height: float) -> None:
    """Add a raster to the ink."""
    left, top, right, bottom = (side * height for side in box)
    x, y = int(left), int(top)
    size = max(2, round(right - left)), max(2, round(bottom - top))
    image = Image.fromarray((raster * 255).astype(np.uint8)).resize(size, BILINEAR)
    x0, y0 = max(0, x), max(0, y)
    part = ink[y0 : y + size[1], x0 : x + size[0]]
    patch = np.asarray(image, np.float32)[y0 - y :, x0 - x :] / 255
    np.maximum(part, patch[: part.shape[0], : part.shape[1]], out=part)


def _sharpen(ink: Ink, rng: Rng) -> Ink:
    """Make the strokes of rasters sharper, thinner or thicker."""
    kind = rng.random()
    if kind < 0.4:
        return ink
    level = rng.uniform(0.2, 0.75)
    sharp: Ink = np.clip((ink - level) * rng.uniform(2, 6) + 0.5, 0, 1)
    return sharp


def _around_number(box: Sides, rng: Rng) -> Sides:
    """Return the sides of what is kept of a strip: tight, loose, or a little into the writing."""
    left, top, right, bottom = box
    loose = abs(rng.normal(0, 0.25)) if rng.random() < 0.8 else rng.uniform(0.2, 1.1)
    above, below = (loose * rng.uniform(-0.15, 1), loose * rng.uniform(-0.15, 1))
    before, after = (max(-0.05, rng.normal(0.15, 0.3) * (1 + loose)) for _ in range(2))
    return left - before, top - above, right + after, bottom + below


def _around_digit(box: Sides, rng: Rng) -> Sides:
    """Return the sides of an image of one digit: as wide as high in half of the cases."""
    left, top, right, bottom = box
    before, above, after, below = rng.normal(0.08, 0.1, 4).clip(-0.06, 0.5)
    sides = left - before, top - above, right + after, bottom + below
    lack = max(0.0, (sides[3] - sides[1]) - (sides[2] - sides[0])) * (rng.random() < 0.5)
    return sides[0] - lack / 2, sides[1], sides[2] + lack / 2, sides[3]


def _crop_box(box: Sides, height: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the window of pixels inside the drawing."""
    x0, y0, x1, y1 = (int(side * height) for side in box)
    x0, y0 = max(0, x0), max(0, y0)
    return x0, y0, max(x0 + 6, min(size[1], x1)), max(y0 + 6, min(size[0], y1))
