"""Synthetic handwriting: digits in writing styles that are rare in MNIST.

MNIST was written in the United States. Elsewhere people also write a 1 with a flag and a foot,
cross their 7 and curl their 9. Each style is a few points, moved at random for every digit, and a
smooth line through them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Digits, Images, Source
from inkfast.core.errors import check_number
from inkfast.imaging.centering import BOX

Points = NDArray[np.floating]  # (n, points, 2): x to the right, y down

_SEGMENTS = 6  # line segments between two points of a stroke; chosen by eye
_BLOCK = 64  # digits drawn at a time; bounds memory


@dataclass(frozen=True)
class Style:
    """One way to write a digit.

    Attributes:
        digit: The digit, 0 to 9; another number for signs that are not digits.
        strokes: Strokes as text: points "x y" in percent of the width and height from the top left,
            joined by commas; ``!`` after a point makes it a corner.
        share: Relative frequency among the styles of the same digit.
    """

    digit: int
    strokes: tuple[str, ...]
    share: float = 1.0


STYLES = (
    Style(0, ("55 0, 15 15, 0 50, 15 88, 50 100, 88 85, 100 50, 85 12, 50 0, 35 8",)),
    Style(0, ("70 8, 30 2, 2 45, 20 95, 70 98, 98 55, 80 10, 55 4",)),
    Style(1, ("50 0!, 50 100!",)),
    Style(1, ("10 38!, 65 0!, 60 100!",), 2),
    Style(1, ("0 65!, 60 0!, 65 100!",), 1.5),
    Style(1, ("0 80!, 55 0!, 65 100!",), 1.5),
    Style(1, ("0 50, 30 30, 62 0!, 58 100!",), 1.5),
    Style(1, ("0 60!, 55 0!, 55 100!", "10 100!, 100 96!")),
    Style(1, ("5 30, 35 22, 62 0!, 60 100!",)),
    Style(1, ("20 30!, 58 0!, 55 100!", "5 100!, 100 98!"), 1.5),
    Style(1, ("55 0!, 50 100!", "10 100!, 95 100!"), 0.5),
    Style(2, ("5 28, 30 2, 75 5, 88 30, 55 65, 0 100!, 100 98!",)),
    Style(2, ("5 22, 42 0, 88 18, 65 55, 20 92, 2 92, 15 80, 45 90, 75 100, 100 90",)),
    Style(2, ("0 12, 55 0, 95 22, 60 62, 5 96!, 45 90, 100 100",)),
    Style(3, ("8 14, 45 0, 85 18, 72 40, 38 47!, 82 58, 92 80, 50 100, 4 88",)),
    Style(3, ("8 2!, 88 0!, 42 42!, 85 55, 90 82, 50 100, 2 90",)),
    Style(3, ("5 18, 40 2, 78 15, 62 40, 30 48, 75 55, 95 78, 60 100, 15 96, 2 84",)),
    Style(4, ("30 0!, 5 58!, 98 55!", "70 25!, 62 100!")),
    Style(4, ("68 100!, 70 0!, 2 65!, 100 64!",)),
    Style(4, ("18 0, 8 35, 18 52, 85 46!", "85 5!, 72 100!")),
    Style(4, ("15 0, 2 50, 30 58, 70 45, 85 5!, 78 100!",)),
    Style(4, ("75 100!, 72 0!, 5 48!, 75 46!",), 1.5),
    Style(4, ("72 100!, 68 0!, 4 42!, 98 38!",), 1.5),
    Style(4, ("80 5!, 30 12, 2 40!, 98 42!", "80 5!, 76 100!")),
    Style(4, ("62 0!, 6 40, 18 52!, 80 46!", "66 2!, 72 100!")),
    Style(5, ("92 0!, 25 2!, 14 44!, 50 36, 92 60, 78 92, 35 100, 2 88",)),
    Style(5, ("20 4!, 12 45!, 55 38, 90 65, 65 97, 5 92", "18 4!, 98 0!")),
    Style(5, ("92 2, 40 6, 18 30, 60 50, 88 72, 50 100, 4 94",)),
    Style(6, ("72 0, 30 25, 4 65, 25 98, 72 96, 92 72, 62 52, 22 62, 8 78",)),
    Style(6, ("92 12, 55 0, 15 35, 2 72, 35 100, 80 90, 85 62, 45 52, 8 72",)),
    Style(6, ("40 0!, 12 50, 5 80, 45 100, 90 82, 75 60, 35 60, 8 82",)),
    Style(7, ("0 4!, 98 0!, 38 100!",)),
    Style(7, ("0 4!, 95 0!, 35 100!", "15 52!, 88 48!"), 2),
    Style(7, ("0 28, 12 4, 48 16, 96 0!, 55 50, 38 100", "15 55!, 92 50!"), 1.5),
    Style(7, ("2 22!, 6 0!, 98 2!, 45 100!",)),
    Style(7, ("2 25!, 18 2!, 45 20!, 85 0!, 48 100!", "10 62!, 95 55!"), 1.5),
    Style(7, ("0 30!, 15 3!, 42 36!, 82 0!, 48 100!", "12 62!, 92 56!"), 1.5),
    Style(7, ("0 22, 10 2, 30 22, 50 30, 90 0!, 62 50, 45 100", "20 58!, 95 54!"), 1.5),
    Style(8, ("82 16, 48 0, 14 20, 48 46, 90 74, 50 100, 8 78, 52 48, 88 22, 74 4",)),
    Style(8, ("52 46, 15 22, 50 0, 85 22, 50 46, 5 74, 50 100, 95 74, 50 46",)),
    Style(8, ("95 8, 50 5, 12 22, 55 50, 80 78, 40 100, 10 80, 40 55, 90 10",)),
    Style(9, ("86 18, 50 0, 10 22, 25 48, 68 44, 88 12!, 80 100!",)),
    Style(9, ("88 22, 55 0, 12 18, 20 45, 62 46, 88 18, 88 60, 68 95, 30 100, 5 86",), 2),
    Style(9, ("80 10, 40 0, 8 25, 35 45, 75 35, 82 8, 95 55, 75 92, 25 98, 8 82",), 1.5),
    Style(9, ("82 14, 50 0, 18 14, 30 38, 68 38, 88 20!, 92 65, 70 96, 30 100, 5 94",), 2),
    Style(9, ("75 5, 35 2, 15 20, 40 38, 75 28, 72 40, 95 68, 70 96, 10 96",), 1.5),
    Style(9, ("90 8, 45 2, 8 22, 30 46, 72 38, 90 8!, 70 60, 45 100",)),
)

# Rarer still, and some of them easily mistaken: numbers on cheques have them. Composed strips use
# them beside `STYLES`.
RARE_STYLES = (
    Style(0, ("5 45, 50 48, 92 25, 62 0, 18 14, 4 60, 40 100, 100 82",), 0.4),
    Style(0, ("60 0, 15 20, 5 65, 45 100, 92 60, 70 8, 40 6, 100 4",), 0.6),
    Style(1, ("0 100!, 60 0!, 66 100!",), 0.8),  # an upstroke as long as the stem
    Style(1, ("0 88, 62 42, 76 6, 52 2, 40 50, 48 100",), 0.5),  # with a loop
    Style(2, ("45 42, 8 40, 2 12, 45 0, 90 20, 60 62, 14 95, 0 82, 30 80, 62 98, 100 92",), 0.8),
    Style(2, ("60 34, 18 38, 10 10, 60 0, 84 30, 40 80, 0 100!, 100 96",), 0.8),
    Style(4, ("20 0!, 8 55!, 60 50!", "62 30!, 52 100!")),
    Style(4, ("45 0!, 0 56!, 95 44!, 58 100!",), 0.7),
    Style(5, ("0 46!, 22 100!, 50 8!, 100 2!",), 0.6),
    Style(5, ("6 40!, 20 96, 40 58, 50 6!, 100 0!",), 0.6),
    Style(5, ("90 0!, 45 4, 38 36, 60 46, 66 72, 40 98, 5 92",)),
    Style(5, ("100 2!, 48 6, 38 50, 36 90, 12 98, 0 78",), 0.7),
    Style(5, ("100 0, 60 8!, 42 12, 50 55, 38 96, 6 98",), 0.7),
    Style(5, ("28 10!, 26 42!, 60 40, 62 72, 40 98, 8 94", "28 10!, 100 0!")),
    Style(7, ("20 22!, 64 0!, 54 100!", "4 56!, 96 46!"), 0.7),
    Style(7, ("10 20!, 25 4, 100 0!, 60 40, 48 100", "8 50, 50 44, 100 50"), 0.8),
    Style(8, ("70 6, 30 0, 8 20, 40 42, 85 66, 70 96, 30 98, 14 74, 45 44, 92 12",)),
    Style(8, ("10 4!, 6 98!", "8 6, 70 2, 78 34, 20 46, 88 62, 78 98, 4 98"), 0.4),
    # as some write it in Brazil and in France: a stem with its loop on the right, like a P
    Style(9, ("22 100!, 34 4!, 70 0, 96 18, 74 42, 32 44",)),
    Style(9, ("20 98, 30 40, 42 6, 78 0, 94 20, 70 40, 30 36",), 0.7),
    Style(9, ("62 40, 20 36, 10 12, 50 0, 84 10, 70 42, 40 56, 48 74, 40 100",), 0.7),
    Style(9, ("86 30, 60 44, 22 34, 30 4, 80 0, 92 16, 50 44, 30 70, 26 100",), 0.7),
)


def load_handwriting() -> Source:
    """Return 20,000 synthetic digits as a data source."""
    notice = "These digits are drawn by a program, not by people: figures do not compare."
    return Source(make_handwriting(20_000), None, "synthetic", notice)


def make_handwriting(n: int, seed: int = 0) -> Digits:
    """Draw digits of all classes in MNIST's frame.

    Args:
        n: Number of digits, at least 10.
        seed: Seed of the random generator of styles, points and pen widths.

    Returns:
        Digits named ``synthetic``, their labels 0, 1, .. 9, 0, ..
    """
    check_number("n", n, low=10, high=10_000_000, whole=True)
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % CLASSES
    images = np.zeros((n, SIDE, SIDE), np.uint8)
    which = np.empty(n, np.int64)
    for digit in range(CLASSES):
        own = [index for index, style in enumerate(STYLES) if style.digit == digit]
        shares = np.array([STYLES[index].share for index in own])
        rows = np.flatnonzero(labels == digit)
        which[rows] = rng.choice(own, len(rows), p=shares / shares.sum())
    for index, style in enumerate(STYLES):
        rows = np.flatnonzero(which == index)
        images[rows] = draw_style(style, len(rows), rng)
    return Digits(images, labels, "synthetic")


def draw_style(style: Style, n: int, rng: np.random.Generator) -> Images:
    """Draw one style `n` times with random variations: uint8 ``(n, 28, 28)``, bright on black."""
    blocks = [
        _draw_style_block(style, min(_BLOCK, n - start), rng) for start in range(0, n, _BLOCK)
    ]
    return np.concatenate([np.zeros((0, SIDE, SIDE), np.uint8), *blocks])


def _draw_style_block(style: Style, n: int, rng: np.random.Generator) -> Images:
    width = rng.uniform(1.6, 4.0, (n, 1, 1)).astype(np.float32)  # of the stroke, in pixels
    jitter = rng.uniform(0.02, 0.07, (n, 1, 1))  # share of the digit's height
    lines = []
    for text in style.strokes:
        points, corners = parse_stroke(text)
        narrowed = points[None] * rng.uniform(0.5, 0.9, (n, 1, 1)) ** [
            1,
            0,
        ]  # digits are narrower than tall
        lines.append(
            smooth_line(narrowed + rng.normal(0, 1, (n, len(points), 2)) * jitter, corners)
        )
    lines = _place_in_frame(lines, width, rng)
    away = np.min([_distance_to_line(line) for line in lines], axis=0)
    ink = np.clip((width - away * 2) / 2 + 0.5, 0, 1) * rng.uniform(0.8, 1, (n, 1, 1))
    return np.asarray(np.rint(255 * ink), np.uint8)


def parse_stroke(text: str) -> tuple[Points, list[bool]]:
    """Return a stroke's points ``(points, 2)`` in [0, 1], and whether each is a corner."""
    places = [place.strip() for place in text.split(",")]
    points = np.array([place.rstrip("!").split() for place in places], np.float32) / 100
    return points, [place.endswith("!") for place in places]


def smooth_line(points: Points, corners: list[bool]) -> Points:
    """Return a smooth line through the points, with corners kept.

    Source: Catmull and Rom (1974), A Class of Local Interpolating Splines.
    """
    share = np.linspace(0, 1, _SEGMENTS, endpoint=False)[:, None]
    pieces = []
    last = points.shape[1] - 1
    for i in range(last):
        here, there = points[:, i, None], points[:, i + 1, None]
        # a corner, and an end, is left in the direction of the next point
        before = here if corners[i] or i == 0 else points[:, i - 1, None]
        after = there if corners[i + 1] or i + 1 == last else points[:, i + 2, None]
        leave, arrive = (there - before) / 2, (after - here) / 2
        t2, t3 = share**2, share**3
        pieces.append(
            (2 * t3 - 3 * t2 + 1) * here + (t3 - 2 * t2 + share) * leave
            + (3 * t2 - 2 * t3) * there + (t3 - t2) * arrive
        )  # fmt: skip
    return np.concatenate([*pieces, points[:, -1:]], axis=1).astype(np.float32)


def _place_in_frame(lines: list[Points], width: Points, rng: np.random.Generator) -> list[Points]:
    """Slant, rotate and scale lines into MNIST's box, the mean of their points at the centre."""
    n = len(width)
    slant, turn = rng.normal(0.1, 0.2, n), rng.normal(0, 0.09, n)
    cos, sin, one = np.cos(turn), np.sin(turn), np.ones(n)
    shear = np.stack([np.stack([one, -slant], 1), np.stack([0 * one, one], 1)], 1)
    rotation = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
    moved = [np.einsum("nij,nkj->nki", rotation @ shear, line) for line in lines]
    everything = np.concatenate(moved, axis=1)
    low, high = everything.min(axis=1, keepdims=True), everything.max(axis=1, keepdims=True)
    size = (high - low).max(axis=2, keepdims=True)
    scale = (BOX - width) / size
    middle = everything.mean(axis=1, keepdims=True)
    # moved back where a line would leave the frame
    half = (SIDE - width) / 2
    placed = [(line - middle) * scale for line in moved]
    ends = np.concatenate(placed, axis=1)
    inward = np.clip(ends.max(axis=1, keepdims=True) - half, 0, None)
    inward -= np.clip(-half - ends.min(axis=1, keepdims=True), 0, None)
    return [(line - inward + (SIDE - 1) / 2).astype(np.float32) for line in placed]


def _distance_to_line(line: Points) -> Points:
    """Return each pixel's distance ``(n, 28, 28)`` to the nearest segment of a line, in pixels."""
    place = np.arange(SIDE, dtype=np.float32)
    x, y = place[None, None, :], place[None, :, None]
    nearest = np.full((len(line), SIDE, SIDE), np.inf, np.float32)
    for start, end in zip(line[:, :-1].swapaxes(0, 1), line[:, 1:].swapaxes(0, 1), strict=True):
        way = end - start
        x0, y0, dx, dy = (v[:, None, None] for v in (*start.T, *way.T))
        along = ((x - x0) * dx + (y - y0) * dy) / np.maximum(dx * dx + dy * dy, 1e-9)
        along = np.clip(along, 0, 1)
        np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2, out=nearest)
    return np.sqrt(nearest)
