"""Drawn strokes: digits and symbols drawn by a program, as if by a few writers.

They need no download: examples, tests and documents compose numbers of them.
"""

from __future__ import annotations

import numpy as np

from inkfast.synthetic.hands import StrokeLibrary
from inkfast.synthetic.handwriting import STYLES, Style, parse_stroke, smooth_line
from inkfast.synthetic.pen_strokes import UNITS, PenStrokes
from inkfast.synthetic.pens import Line

_SYMBOLS = {
    ".": (("50 50!, 52 51!",),),
    ",": (("60 0!, 62 10, 30 100!",), ("50 0!, 40 100!",)),
    "-": (("0 50!, 100 48!",), ("0 55, 50 45, 100 52",)),
    "/": (("60 0!, 0 100!",), ("45 0!, 5 100!",)),
    ":": (("50 0!, 51 1!", "50 99!, 51 100!"),),
    "+": (("50 0!, 50 100!", "0 50!, 100 50!"), ("48 5!, 52 95!", "0 55!, 100 48!")),
    "=": (("0 30!, 100 28!", "0 70!, 100 70!"), ("0 35!, 100 30!", "5 75!, 95 72!")),
    "(": (("40 0, 10 30, 10 70, 40 100",),),
    ")": (("0 0, 30 30, 30 70, 0 100",),),
    "#": (("20 0!, 10 100!", "70 0!, 60 100!", "0 32!, 98 30!", "0 70!, 95 68!"),),
    "*": (("50 0!, 50 100!", "5 25!, 95 75!", "95 25!, 5 75!"),),
    "$": (("85 20, 50 8, 15 25, 50 50, 85 75, 50 92, 12 80", "50 0!, 50 100!"),),
    "%": (("90 0!, 10 100!", "25 5, 5 20, 25 38, 42 20, 25 5", "75 62, 58 80, 75 96, 75 62"),),
}  # fmt: skip
_LETTERS = {
    "E": ("95 0!, 5 2!, 5 98!, 98 100!", "5 50!, 75 48!"),
    "F": ("95 0!, 5 2!, 8 100!", "5 48!, 75 46!"),
    "H": ("5 0!, 8 100!", "92 0!, 95 100!", "6 50!, 93 50!"),
    "K": ("8 0!, 8 100!", "92 0!, 10 55!, 95 100!"),
    "M": ("0 100!, 12 0!, 50 70!, 88 0!, 100 100!",),
    "N": ("5 100!, 8 0!, 92 100!, 95 0!",),
    "R": ("8 100!, 8 2!, 60 0, 90 22, 60 48, 10 50!, 95 100!",),
    "W": ("0 0!, 25 100!, 50 30!, 75 100!, 100 0!",),
    "X": ("2 0!, 98 100!", "98 0!, 2 100!"),
}


def draw_library(seed: int = 0, writers: int = 12) -> StrokeLibrary:
    """Return strokes of digits, symbols and letters drawn by a program.

    Args:
        seed: Seed of the random generator of styles and points.
        writers: Number of writers; each has one style for each digit.
    """
    rng = np.random.default_rng(seed)
    names = [f"drawn-{number:03}" for number in range(writers)]
    digits = [
        (str(digit), writer, _draw(_style(digit, rng).strokes, rng, 0.65))
        for writer in range(writers)
        for digit in range(10)
        for _ in range(2)
    ]
    symbols = [
        (character, writer, _draw(forms[rng.integers(len(forms))], rng, 1))
        for writer in range(writers)
        for character, forms in _SYMBOLS.items()
    ]
    letters = [
        (character, writer, _draw(strokes, rng, 0.8))
        for writer in range(writers)
        for character, strokes in _LETTERS.items()
    ]
    drawn = [_pack(samples, names) for samples in (digits, symbols, letters)]
    return StrokeLibrary(drawn[0], drawn[1], drawn[2], frozenset(names))


def _style(digit: int, rng: np.random.Generator) -> Style:
    own = [style for style in STYLES if style.digit == digit]
    shares = np.array([style.share for style in own])
    return own[rng.choice(len(own), p=shares / shares.sum())]


def _draw(strokes: tuple[str, ...], rng: np.random.Generator, width: float) -> list[Line]:
    """Return the lines of a style with its points moved a little, in percent."""
    lines = []
    for text in strokes:
        points, corners = parse_stroke(text)
        moved = points * np.array([width, 1.0]) + rng.normal(0, 0.02, points.shape)
        lines.append(smooth_line(moved[None], corners)[0])
    return lines


def _pack(samples: list[tuple[str, int, list[Line]]], names: list[str]) -> PenStrokes:
    """Return samples as pen strokes: moved to 0, 0, the larger side scaled to `UNITS`."""
    lines = []
    for _, _, sample in samples:
        everything = np.concatenate(sample)
        low, side = everything.min(axis=0), np.ptp(everything, axis=0).max()
        lines += [np.rint((line - low) * (UNITS / side)).astype(np.int16) for line in sample]
    counts = [len(sample) for _, _, sample in samples]
    return PenStrokes(
        points=np.concatenate(lines),
        stroke_start=np.cumsum([0, *map(len, lines)]).astype(np.int32),
        sample_start=np.cumsum([0, *counts]).astype(np.int32),
        labels=np.array([label for label, _, _ in samples]),
        writers=np.array([writer for _, writer, _ in samples], np.int16),
        writer_names=np.array(names),
        size=np.ones(len(samples), np.float32),
        name="drawn",
    )
