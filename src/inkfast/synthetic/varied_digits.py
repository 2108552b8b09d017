"""Varied digits: many writers, pens, framings and recordings, as networks see them.

Digits of pen strokes, drawn styles and data sets of images are framed (`framings`), recorded, and
brought to 28x28 as `predict` does. They train a reader of digits that people crop and photograph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from inkfast.core.digits import SIDE, Digits, Images
from inkfast.core.errors import NoInkError
from inkfast.imaging.normalization import preprocess, whole_image
from inkfast.synthetic.framings import FRAMINGS, frame_glyph
from inkfast.synthetic.hands import Glyph, RasterDigits, StrokeLibrary, StyleHand, crop_ink
from inkfast.synthetic.strips import compose_digit, mix_styles

_BLOCK = 1000  # digits drawn with one random generator
_PENS, _STYLES = 0.5, 0.12  # shares of pen strokes and of drawn styles; the rest are images
_CUT_OUT = 0.3  # share of the digits that are cut out of composed numbers
_WHOLE = 0.4  # share of the images that are seen as a whole instead of being normalised,
_SQUEEZED = 0.15  # and of these, share whose sides are scaled by different factors


@dataclass(frozen=True, eq=False)
class DigitMix:
    """Where varied digits come from.

    Args:
        strokes: Pen strokes of the writers to draw.
        images: Data sets of images with their shares among the digits from images.
    """

    strokes: StrokeLibrary
    images: Mapping[RasterDigits, float]

    def sample(self, label: str, rng: np.random.Generator) -> tuple[Glyph, str]:
        """Return a digit and the name of its writer; each writer counts alike."""
        kind = rng.random()
        hand = self.strokes.sample_hand(rng)
        if kind < _PENS or not self.images:
            return hand.glyph(label, rng), hand.writer
        if kind < _PENS + _STYLES:
            return StyleHand(hand).glyph(label, rng), f"style {rng.integers(2**60)}"
        shares = np.array([*self.images.values()])
        source = [*self.images][rng.choice(len(shares), p=shares / shares.sum())]
        rows = source.rows[label]
        row = int(rows[rng.integers(len(rows))])
        return Glyph(raster=crop_ink(source.digits.images[row])), f"{source.digits.name} {row}"


def make_varied_digits(
    mix: DigitMix, n: int, seed: int = 0, kind: str = ""
) -> tuple[Images, list[str], list[str]]:
    """Draw varied digits.

    Args:
        mix: Where digits come from.
        n: Number of digits.
        seed: Seed of the random generators of everything that is drawn.
        kind: One of `FRAMINGS`; "" for all, some of them at 28x28 without being normalised.

    Returns:
        Images uint8 ``(n, 28, 28)``, and the label and the writer of each.
    """
    images, labels, writers = np.zeros((n, SIDE, SIDE), np.uint8), [], []
    for start in range(0, n, _BLOCK):
        rng = np.random.default_rng([seed, start])
        for row in range(start, min(n, start + _BLOCK)):
            if not kind and rng.random() < _CUT_OUT:
                recorded, label, writer = _cut_out(mix, rng)
            else:
                recorded, label, writer = _frame(mix, kind or str(rng.choice([*FRAMINGS])), rng)
            images[row] = _see(recorded, rng, whole=not kind and rng.random() < _WHOLE)
            labels.append(label)
            writers.append(writer)
    return images, labels, writers


def _cut_out(mix: DigitMix, rng: np.random.Generator) -> tuple[Images, str, str]:
    """Return a digit cut out of a composed number, its label and its writer."""
    writer = mix.strokes.sample_hand(rng)
    strip = compose_digit(mix_styles(writer, writer, rng), mix.strokes, rng)
    return strip.image, strip.text, writer.writer


def _frame(mix: DigitMix, kind: str, rng: np.random.Generator) -> tuple[Images, str, str]:
    """Return a framed digit, its label and its writer."""
    label = str(rng.integers(10))
    glyph, writer = mix.sample(label, rng)

    def other() -> Glyph:
        return mix.strokes.sample_hand(rng).glyph(str(rng.integers(10)), rng)

    return frame_glyph(glyph, FRAMINGS[kind](rng), rng, other), label, writer


def _see(recorded: Images, rng: np.random.Generator, *, whole: bool) -> Images:
    """Return a recorded digit as networks see it: uint8 ``(28, 28)``, bright ink on black."""
    if whole and rng.random() < _SQUEEZED:
        box = Image.Resampling.BOX
        recorded = np.asarray(Image.fromarray(recorded).resize((SIDE, SIDE), box))
    grey = recorded.astype(np.float32) / 255
    if whole:
        return whole_image(grey)
    try:
        return preprocess(grey)
    except NoInkError:
        return np.zeros((SIDE, SIDE), np.uint8)


def as_digits(images: Images, labels: list[str], writers: list[str], name: str) -> Digits:
    """Return varied digits as a data set in which writers are numbered."""
    _, numbers = np.unique(writers, return_inverse=True)
    return Digits(images, np.array(labels, np.int64), name, numbers.astype(np.int64))
