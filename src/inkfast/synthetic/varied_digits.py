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
from inkfast.imaging.normalization import preprocess
from inkfast.synthetic.framings import FRAMINGS, frame_glyph
from inkfast.synthetic.hands import Glyph, RasterDigits, StrokeLibrary, StyleHand, crop_ink

_BLOCK = 1000  # digits drawn with one random generator
_PENS, _STYLES = 0.5, 0.12  # shares of pen strokes and of drawn styles; the rest are images
_AS_IT_IS = 0.4  # share of images that are scaled to 28x28 without being normalised,
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
            label = str(rng.integers(10))
            glyph, writer = mix.sample(label, rng)
            images[row] = frame_digit(mix, glyph, rng, kind)
            labels.append(label)
            writers.append(writer)
    return images, labels, writers


def frame_digit(mix: DigitMix, glyph: Glyph, rng: np.random.Generator, kind: str = "") -> Images:
    """Return a framed digit as networks see it: uint8 ``(28, 28)``, bright ink on black."""
    chosen = kind or str(rng.choice([*FRAMINGS]))

    def other() -> Glyph:
        return mix.strokes.sample_hand(rng).glyph(str(rng.integers(10)), rng)

    recorded = frame_glyph(glyph, FRAMINGS[chosen](rng), rng, other)
    if not kind and chosen != "photograph" and rng.random() < _AS_IT_IS:
        recorded = _fit_frame(recorded, squeeze=bool(rng.random() < _SQUEEZED))
    try:
        return preprocess(recorded.astype(np.float32) / 255)
    except NoInkError:
        return np.zeros((SIDE, SIDE), np.uint8)


def _fit_frame(recorded: Images, *, squeeze: bool) -> Images:
    """Return an image scaled to 28x28, its shorter side filled up with paper or squeezed."""
    if not squeeze:
        height, width = recorded.shape
        tall, wide = (max(0, other - side) for side, other in ((height, width), (width, height)))
        pads = (tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2)
        recorded = np.pad(recorded, pads, constant_values=int(np.median(recorded)))
    return np.asarray(Image.fromarray(recorded).resize((SIDE, SIDE), Image.Resampling.BOX))


def as_digits(images: Images, labels: list[str], writers: list[str], name: str) -> Digits:
    """Return varied digits as a data set in which writers are numbered."""
    _, numbers = np.unique(writers, return_inverse=True)
    return Digits(images, np.array(labels, np.int64), name, numbers.astype(np.int64))
