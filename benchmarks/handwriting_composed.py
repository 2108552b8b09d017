"""Sets of handwriting that are drawn or composed: MNIST's test digits, UniPen's pen strokes.

Strokes are those of the writers that `split_writers` leaves out of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from composed_numbers import DIGITS, PAPERS, compose, photograph
from PIL import Image

from inkfast.core.digits import Digits
from inkfast.synthetic.hands import StrokeLibrary, split_writers
from inkfast.synthetic.layout import place_text, sample_layout
from inkfast.synthetic.pen_strokes import PenStrokes, load_pen_strokes
from inkfast.synthetic.pens import draw_lines, sample_pen, smooth

Rng = np.random.Generator
SEED = 7  # of the drawings; training draws with other seeds
MOST_OF_WRITER = 40  # digits
# Usual gaps between the characters of a number, in digit heights
WIDEST_GAP = 0.4
CLEAR_GAP = 0.18  # with which a separator is seen as one


def draw_mnist_numbers(digits: Digits, n: int, folder: Path) -> Iterator[tuple[Path, str]]:
    """Write six-digit numbers composed of MNIST's digits; yield each file and its text."""
    rng = np.random.default_rng(SEED)
    for turn in range(n):
        paper = PAPERS[turn % len(PAPERS)]
        content, number = compose(digits, rng.integers(len(digits), size=DIGITS), paper, rng)
        path = folder / f"{turn:03}-{number}-{paper}.jpg"
        path.write_bytes(content)
        yield path, number


def draw_stroke_digits(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Write digits of the writers left out; yield each file, its label and its writer."""
    kinds, left_out = load_left_out()
    strokes, rng = kinds[0], np.random.default_rng(SEED)
    for place, writer in enumerate(map(str, strokes.writer_names)):
        rows = strokes.samples_of(place) if writer in left_out else np.arange(0)
        for row in rng.permutation(rows)[:MOST_OF_WRITER]:
            label = strokes.label(row)
            path = folder / f"{writer}-{row:05}-{label}.png"
            draw_digit(strokes, int(row), rng).save(path)
            yield path, label, writer


def load_left_out() -> tuple[list[PenStrokes], frozenset[str]]:
    """Return the strokes of digits, symbols and letters, and the writers left out of training.

    The split is one of all writers of the three, as in training.
    """
    kinds = [load_pen_strokes(kind) for kind in ("digits", "symbols", "letters")]
    return kinds, split_writers(str(name) for kind in kinds for name in kind.writer_names)[1]


def draw_digit(strokes: PenStrokes, row: int, rng: Rng) -> Image.Image:
    """Return a digit in dark ink on white paper, with a margin."""
    height = int(rng.integers(24, 100))
    lines = [smooth(line / 1000 * height, 2) for line in strokes.strokes(row)]
    points = np.concatenate(lines)
    margin = rng.integers(height // 5, height, 4)
    size = np.ceil(points.max(axis=0)).astype(int) + 1 + margin[:2] + margin[2:]
    ink = draw_lines(
        [line + margin[:2] for line in lines], (int(size[1]), int(size[0])),
        sample_pen(rng, height), rng,
    )  # fmt: skip
    return Image.fromarray(np.rint(255 * (1 - 0.85 * ink)).astype(np.uint8))


def draw_numbers(
    texts: list[str], folder: Path, narrowest: float = -1.0
) -> Iterator[tuple[Path, str]]:
    """Write texts in the hands of the writers left out; yield each file and its text.

    Characters are at least `narrowest` digit heights apart; by default, some touch.
    Paper, ink and JPEG are those of `composed_numbers`, so that people can read every number;
    what training composes is harder.
    """
    kinds, left_out = load_left_out()
    library, rng = StrokeLibrary(*kinds, left_out), np.random.default_rng(SEED)
    for turn, text in enumerate(texts):
        height, paper = int(rng.integers(26, 90)), PAPERS[turn % len(PAPERS)]
        path = folder / f"{turn:03}-{paper}.jpg"
        path.write_bytes(
            photograph(_write(text, library, height, narrowest, rng), height, paper, rng)
        )
        yield path, text


def _write(
    text: str, library: StrokeLibrary, height: int, narrowest: float, rng: Rng
) -> np.ndarray:
    """Return the ink of a text in one hand."""
    layout = sample_layout(rng)
    while layout.boxes or not narrowest <= layout.gap <= WIDEST_GAP:
        layout = sample_layout(rng)
    placed = place_text(text, library.sample_hand(rng), layout, rng)
    lines = [line * height for one in placed for line in one.lines]
    points, pen = np.concatenate(lines), sample_pen(rng, height)
    margin = pen.width + 1
    width, depth = np.ceil(np.ptp(points, axis=0) + 2 * margin).astype(int).tolist()
    moved = [line - points.min(axis=0) + margin for line in lines]
    return draw_lines(moved, (depth, width), pen, rng)


def six_digits(n: int) -> list[str]:
    """Return texts of six digits."""
    rng = np.random.default_rng(SEED)
    return ["".join(map(str, rng.integers(0, 10, 6))) for _ in range(n)]


def separated_texts(n: int) -> list[str]:
    """Return decimals, negative numbers, dates, times and amounts in turn."""
    rng = np.random.default_rng(SEED)

    def some(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    kinds = (
        lambda: f"{some(0, 100)}.{some(0, 100):02}",
        lambda: f"-{some(1, 1000)}",
        lambda: f"{some(1, 32):02}/{some(1, 13):02}",
        lambda: f"{some(0, 24)}:{some(0, 60):02}",
        lambda: f"{some(1, 100)},{some(0, 1000):03}.{some(0, 100):02}",
    )
    return [kinds[turn % len(kinds)]() for turn in range(n)]
