"""Images that show no digit, to train a network to be unsure of them (outlier exposure).

Source: Hendrycks et al. (2019), Deep Anomaly Detection with Outlier Exposure.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import SIDE, Digits, Images
from inkfast.core.errors import NoInkError, check_number
from inkfast.imaging.centering import center_digit
from inkfast.imaging.normalization import preprocess, whole_image
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.framings import FRAMINGS, Framing, frame_glyph
from inkfast.synthetic.hands import Glyph, StrokeLibrary, crop_ink
from inkfast.synthetic.handwriting import Style, draw_style
from inkfast.synthetic.papers import SHADES

NO_DIGIT = -1  # the label of an image that shows no digit
_TOUCHING_INK = 0.3  # amount of ink at which strokes of two digits touch; chosen by eye
_MIN_SHIFT = 6  # columns between two digits; closer together they may look like one. By eye

_FRAMED_SIGNS = "???????+=#*$%-"  # "?" stands for a letter
_MIN_HALF = 8  # columns: half of a digit that is narrower may be a 1. By eye
_UNREADABLE_BLUR = (4.0, 6.0)  # pixels of standard deviation at MNIST's size. By eye

# Letters and signs that look like no digit, drawn as `inkfast.synthetic.handwriting` draws digits
_SIGNS = tuple(
    Style(NO_DIGIT, strokes)
    for strokes in (
        ("0 100!, 50 0!, 100 100!", "20 62!, 80 62!"),  # A
        ("95 0!, 5 2!, 5 98!, 98 100!", "5 50!, 75 48!"),  # E
        ("95 0!, 5 2!, 8 100!", "5 48!, 75 46!"),  # F
        ("5 0!, 8 100!", "92 0!, 95 100!", "6 50!, 93 50!"),  # H
        ("8 0!, 8 100!", "92 0!, 10 55!, 95 100!"),  # K
        ("0 100!, 12 0!, 50 70!, 88 0!, 100 100!",),  # M
        ("5 100!, 8 0!, 92 100!, 95 0!",),  # N
        ("8 100!, 8 2!, 60 0, 90 22, 60 48, 10 50!, 95 100!",),  # R
        ("0 2!, 100 0!", "50 2!, 50 100!"),  # T
        ("0 0!, 25 100!, 50 30!, 75 100!, 100 0!",),  # W
        ("2 0!, 98 100!", "98 0!, 2 100!"),  # X
        ("50 0!, 50 100!", "0 50!, 100 50!"),  # +
        ("20 0!, 10 100!", "70 0!, 60 100!", "0 32!, 98 30!", "0 70!, 95 68!"),  # #
        ("0 30!, 100 28!", "0 70!, 100 70!"),  # =
        ("0 55, 30 100!, 100 0!",),  # a tick
        ("50 0!, 100 50!, 50 100!, 0 50!, 50 0!", "20 20!, 80 80!", "80 20!, 20 80!"),
    )
)


def make_non_digits(digits: Digits, n: int, seed: int = 0) -> Images:
    """Return images that show no digit, of all kinds in equal parts.

    The kinds are scribbles, letters and signs, pairs of digits, pairs that touch, digits cut into
    quarters, textures, nearly blank images, and, in the framings of `framings`, signs, halves of
    digits, digits blurred beyond reading, and paper without a digit; and bare paper in light and
    shadow.

    Args:
        digits: Digits of which pairs and quarters are made.
        n: Number of images.
        seed: Seed of the random generator of everything that is drawn.

    Returns:
        uint8 ``(n, 28, 28)``.
    """
    check_number("n", n, low=1, high=10_000_000, whole=True)
    rng = np.random.default_rng(seed)
    kinds = (
        _draw_scribbles,
        _draw_signs,
        _draw_pairs,
        _draw_touching_pairs,
        _mix_quarters,
        _draw_textures,
        _draw_nearly_blank,
        _frame_signs,
        _frame_halves,
        _frame_blurred,
        _frame_empty,
        _light_and_shadow,
    )
    counts = [len(part) for part in np.array_split(np.empty(n), len(kinds))]
    made = [kind(digits.images, count, rng) for kind, count in zip(kinds, counts, strict=True)]
    return np.concatenate(made)


def _draw_scribbles(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Random walks of a pen, with too many turns for a digit."""
    made = []
    for _ in range(0, n, 8):
        strokes = [rng.uniform(0, 100, (rng.integers(5, 9), 2)) for _ in range(rng.integers(1, 4))]
        texts = tuple(", ".join(f"{x:.0f} {y:.0f}" for x, y in stroke) for stroke in strokes)
        made.append(draw_style(Style(NO_DIGIT, texts), 8, rng))
    return np.concatenate([*made, images[:0]])[:n]


def _draw_signs(images: Images, n: int, rng: np.random.Generator) -> Images:
    which = rng.integers(0, len(_SIGNS), n)
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for index, style in enumerate(_SIGNS):
        rows = np.flatnonzero(which == index)
        if len(rows):
            made[rows] = draw_style(style, len(rows), rng)
    return made


def _draw_pairs(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Pairs of digits: half of them side by side, half on top of each other."""
    first, second = (images[rng.integers(0, len(images), n)] for _ in range(2))
    narrow = np.concatenate([_squeeze(first, 14), _squeeze(second, 14)], axis=2)
    moved = np.stack([
        np.roll(image, tuple(rng.integers(-5, 6, 2)), (0, 1)) for image in second
    ]) if n else second  # fmt: skip
    above = np.maximum(first, moved)
    return np.where((np.arange(n) % 2 == 0)[:, None, None], narrow, above)


def _draw_touching_pairs(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Pairs of touching digits, brought to one frame as if they were one digit."""
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for row, pair in enumerate(images[rng.integers(0, len(images), (n, 2))] / np.float32(255)):
        first, second = np.pad(pair, ((0, 0), (0, 0), (0, SIDE)))
        second = np.roll(second, rng.integers(-2, 3), axis=0)
        apart = next(
            away
            for away in range(SIDE, 0, -1)
            if away == _MIN_SHIFT or (first * np.roll(second, away, axis=1)).max() > _TOUCHING_INK
        )
        both = np.maximum(first, np.roll(second, apart, axis=1))
        if both.max() > _TOUCHING_INK:
            made[row] = center_digit(both)
    return made


def _squeeze(images: Images, width: int) -> Images:
    """Return the middle 20 columns squeezed into `width` columns, areas averaged."""
    small = [
        np.asarray(Image.fromarray(i[:, 4:24]).resize((width, SIDE), Image.Resampling.BOX))
        for i in images
    ]
    return np.stack(small) if small else np.zeros((0, SIDE, width), np.uint8)


def _mix_quarters(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Quarters of four digits put together."""
    half = SIDE // 2
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for y in (0, half):
        for x in (0, half):
            source = images[rng.integers(0, len(images), n)]
            # no quarter keeps its place, where it might show a digit's whole outline
            from_y, from_x = half - y, (half - x if y else x)
            made[:, y : y + half, x : x + half] = source[
                :, from_y : from_y + half, from_x : from_x + half
            ]
    return made


def _draw_textures(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Fine to coarse noise, grey or black and white, and bars."""
    from scipy import ndimage

    made = np.zeros((n, SIDE, SIDE), np.float64)
    y, x = np.mgrid[:SIDE, :SIDE]
    for row in range(n):
        angle, period = rng.uniform(0, np.pi), rng.uniform(3, 12)
        bars = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
        smooth = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), rng.uniform(0, 4))
        made[row] = bars if row % 3 == 0 else smooth / max(smooth.std(), 1e-9)
        if row % 2:
            made[row] = np.where(made[row] > rng.uniform(-0.5, 1), 1.0, -1.0)
    return _quantise(made * rng.uniform(0.1, 0.5, (n, 1, 1)) + rng.uniform(0, 0.6, (n, 1, 1)))


def _draw_nearly_blank(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Even grey, with a few specks on half of the images."""
    ground = rng.uniform(0, 1, (n, 1, 1)) * (rng.random((n, 1, 1)) < 0.6)
    hiss = rng.normal(0, 1, (n, SIDE, SIDE)) * rng.uniform(0, 0.05, (n, 1, 1))
    specks = rng.random((n, SIDE, SIDE)) < rng.uniform(0, 0.02, (n, 1, 1))
    return _quantise(np.where(specks & (np.arange(n) % 2 == 0)[:, None, None], 1, ground + hiss))


def _frame_signs(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Letters and signs as people crop and photograph them."""
    hands = draw_library(int(rng.integers(2**31)))
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for row in range(n):
        glyph = hands.sample_hand(rng).glyph(str(rng.choice([*_FRAMED_SIGNS])), rng)
        made[row] = _frame(glyph, _sample_framing(rng), rng)
    return made


def _frame_halves(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Digits of which about half lies outside the image."""
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for row, image in enumerate(images[rng.integers(0, len(images), n)]):
        margins = rng.uniform(0, 0.3, 4)
        margins[rng.integers(4)] = -rng.uniform(0.4, 0.6)
        left, top, right, bottom = margins.tolist()
        half = _frame(Glyph(raster=crop_ink(image)), Framing((left, top, right, bottom)), rng)
        if np.count_nonzero((half > 127).any(axis=0)) >= _MIN_HALF:
            made[row] = half
    return made


def _frame_blurred(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Digits blurred until their loops are closed."""
    from scipy import ndimage

    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for row, image in enumerate(images[rng.integers(0, len(images), n)]):
        wide = np.pad(image / np.float32(255), SIDE // 2)
        blurred = ndimage.gaussian_filter(wide, rng.uniform(*_UNREADABLE_BLUR))
        made[row] = preprocess(1 - blurred / max(float(blurred.max()), 1e-3))
    return made


def _frame_empty(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Paper with patterns and edges of digits, but without a digit."""
    hands = draw_library(int(rng.integers(2**31)))
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    nothing = Glyph(raster=np.zeros((SIDE, SIDE), np.float32))
    for row in range(n):
        left, top, right, bottom = rng.uniform(0, 0.3, 4).tolist()
        framing = Framing(
            (left, top, right, bottom),
            neighbours=int(rng.integers(0, 2)),
            paper=bool(rng.random() < 0.8),
        )
        made[row] = _frame(nothing, framing, rng, hands)
    return made


def _light_and_shadow(images: Images, n: int, rng: np.random.Generator) -> Images:
    """Bare paper in uneven light, often with the edge of a shadow, seen as a whole or enhanced."""
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    _, shade = SHADES["light and shadow"]
    for row in range(n):
        light = shade((64, 64), 64.0, rng) * rng.uniform(0.6, 1)
        grey = (light + rng.normal(0, rng.uniform(0, 0.03), light.shape)).clip(0, 1)
        see = whole_image if row % 2 else preprocess
        with suppress(NoInkError):  # a blank image shows no digit either
            made[row] = see(grey.astype(np.float32))
    return made


def _sample_framing(rng: np.random.Generator) -> Framing:
    return FRAMINGS[str(rng.choice([*FRAMINGS]))](rng)


def _frame(
    glyph: Glyph, framing: Framing, rng: np.random.Generator, hands: StrokeLibrary | None = None
) -> Images:
    """Return what networks see of a framed glyph; neighbours are drawn by `hands`."""

    def other() -> Glyph:
        assert hands is not None  # noqa: S101 - only called with hands
        return hands.sample_hand(rng).glyph(str(rng.integers(10)), rng)

    recorded = frame_glyph(glyph, framing, rng, other if hands else None)
    try:
        return preprocess(recorded.astype(np.float32) / 255)
    except NoInkError:
        return np.zeros((SIDE, SIDE), np.uint8)


def _quantise(values: NDArray[np.floating]) -> Images:
    return np.asarray(np.rint(255 * values.clip(0, 1)), np.uint8)
