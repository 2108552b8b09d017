"""Layouts of synthetic pages: one number, lines, columns, tables, forms, words, bare paper."""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from PIL import ImageFont

from inkfast.core.digits import Indices
from inkfast.synthetic.hands import Hand, StrokeLibrary
from inkfast.synthetic.layout import Layout, Placed, place_text, sample_layout
from inkfast.synthetic.marks import _form_boxes
from inkfast.synthetic.number_texts import random_digits, sample_text
from inkfast.synthetic.page_canvas import PageCanvas
from inkfast.synthetic.pens import Line, smooth
from inkfast.synthetic.strips import Handwriting

Rng = np.random.Generator
_FONTS = "/usr/share/fonts/truetype/*/*.ttf"
_SYLLABLES = (  # of printed words
    *("an", "be", "co", "da", "el", "fi", "go", "ha", "in", "jo", "ka", "le", "mi", "no", "or"),
    *("pa", "qu", "re", "sa", "te", "un", "va", "we", "xe", "ya", "zo", "Am", "Be", "Ch", "De"),
    *("St", "Na", "Or", "Mr", "Total", "Sum", "Name", "Date", "No", "Page", "Class"),
)
_TALL = frozenset("bdfhkltABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOW = frozenset("gjpqy")
_AMBIGUOUS = frozenset("oOIlSsZzBbgqGDQ")  # letters that cannot be told from digits by shape


class PageWriter:
    """Writes numbers and words of one writer on a canvas."""

    def __init__(
        self, canvas: PageCanvas, handwriting: Handwriting, height: float, rng: Rng
    ) -> None:
        self.canvas, self.handwriting, self.height, self.rng = canvas, handwriting, height, rng
        self.hand: Hand = handwriting.sample_hand(rng)
        self.layout = replace(sample_layout(rng), boxes=False)
        self.font = _sample_font(rng, height)

    def place(self, text: str, **changes: Any) -> tuple[list[Placed], Layout]:
        """Lay out a text in the page's style, with a slope of its own."""
        slope = self.layout.slope + self.rng.normal(0, 0.02)
        layout = replace(self.layout, **{"slope": slope, **changes})
        return place_text(text, self.hand, layout, self.rng), layout

    def number(self, text: str, x: float, y: float) -> float:
        """Write a text; return the x where it ends in pixels."""
        placed, layout = self.place(text)
        if not placed:
            return x
        scale = self.height * float(np.exp(self.rng.normal(0, 0.08)))
        self.canvas.add_number(placed, layout, (x, y), scale, self.rng)
        return x + (max(one.box[2] for one in placed) - placed[0].box[0]) * scale

    def word(self, x: float, y: float) -> float:
        """Write a word; return the x where it ends in pixels."""
        lines, end = _word(self.handwriting.strokes, self.rng)
        scale = self.height * self.rng.uniform(0.7, 1.3)
        moved = [line * scale + [x, y] for line in lines]
        self.canvas.add_word(moved, 0.05 * scale)
        return x + end * scale

    def label(self, x: float, y: float) -> float:
        """Print a label; return the x where it ends in pixels."""
        text = _printed_text(self.rng)
        self.canvas.add_print(text, (x, y + self.height * 0.3), self.font)
        return x + self.font.getlength(text)


def fill(
    canvas: PageCanvas, handwriting: Handwriting, height: float, rng: Rng, layout: str = ""
) -> None:
    """Fill a canvas.

    Args:
        canvas: Canvas to fill.
        handwriting: Where hands are drawn from.
        height: Height of a digit in pixels.
        rng: Random generator of everything.
        layout: One of `LAYOUTS`; a random one by default.
    """
    names, shares = list(LAYOUTS), np.array([share for share, _ in LAYOUTS.values()])
    name = names[rng.choice(len(names), p=shares / shares.sum())]
    writer = PageWriter(canvas, handwriting, height, rng)
    LAYOUTS[layout or name][1](writer)
    if layout:
        return
    if rng.random() < 0.12:
        _scribble(writer)
    if rng.random() < 0.1:
        _print_block(writer)


def _short_text(rng: Rng, most: int = 6) -> str:
    """Return a text of few characters."""
    while len(text := sample_text(rng)) > most or not any(map(str.isdigit, text)):
        pass
    return text


def _lines(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    pitch = page.height * rng.uniform(1.25, 3.2)
    left = width * rng.uniform(-0.1, 0.3)
    y = -0.3 * height + rng.uniform(0, pitch)
    labelled, several = rng.random() < 0.25, rng.random() < 0.35
    while y < 1.2 * height:
        x = left + rng.normal(0, 0.3) * page.height
        if labelled and rng.random() < 0.8:
            x = (page.label if rng.random() < 0.5 else page.word)(x, y) + page.height * rng.uniform(
                0.4, 2
            )
        text = sample_text(rng)
        x = page.number(text, x, y + rng.normal(0, 0.06) * page.height)
        while several and rng.random() < 0.6 and x < width:
            x = page.number(_short_text(rng), x + page.height * rng.uniform(1.2, 4.5), y)
        if rng.random() < 0.12:
            page.word(x + page.height * rng.uniform(0.3, 1.5), y)
        y += pitch * rng.uniform(0.92, 1.25)
    if rng.random() < 0.3:
        _rules(page, pitch)


def _columns(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    pitch, most = page.height * rng.uniform(1.3, 2.6), int(rng.integers(1, 6))
    step = page.height * (0.75 * most + rng.uniform(2.5, 7))
    ruled = rng.random() < 0.3
    first = -rng.uniform(0, 0.7) * step
    for y in np.arange(-0.2 * height, 1.2 * height, pitch):
        for x in np.arange(first, 1.2 * width, step):
            if rng.random() < 0.9:
                text = (
                    random_digits(rng, int(rng.integers(1, most + 1)))
                    if rng.random() < 0.7
                    else _short_text(rng, most + 1)
                )
                page.number(
                    text,
                    x + rng.normal(0, 0.15) * page.height,
                    y + rng.normal(0, 0.06) * page.height,
                )
    if ruled:
        xs = np.arange(first - page.height * rng.uniform(0.5, 1.2), 1.3 * width, step)
        page.canvas.add_rules([np.array([[x, -height], [x, 2 * height]]) for x in xs])


def _table(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    row, most = page.height * rng.uniform(1.15, 2.2), int(rng.integers(1, 5))
    column = page.height * (0.8 * most + rng.uniform(0.5, 2.5))
    top, left = rng.uniform(-0.3, 0.25) * height, rng.uniform(-0.3, 0.25) * width
    rows, columns = int(rng.integers(2, 14)), int(rng.integers(2, 8))
    bottom, right = top + rows * row, left + columns * column
    lines: list[Line] = [
        np.array([[left, top + i * row], [right, top + i * row]]) for i in range(rows + 1)
    ]
    if rng.random() < 0.85:
        lines += [
            np.array([[left + i * column, top], [left + i * column, bottom]])
            for i in range(columns + 1)
        ]
    page.canvas.add_rules(lines)
    headed, named = rng.random() < 0.5, rng.random() < 0.3
    filled = rng.uniform(0.3, 1)
    for i in range(rows):
        for j in range(columns):
            x, y = left + j * column, top + i * row
            if (headed and i == 0) or (named and j == 0):
                (page.label if rng.random() < 0.7 else page.word)(
                    x + 0.2 * page.height, y + 0.1 * row
                )
            elif rng.random() < filled:
                _cell_number(page, x, y, column, row, most)


def _cell_number(
    page: PageWriter, x: float, y: float, column: float, row: float, most: int
) -> None:
    rng = page.rng
    text = (
        random_digits(rng, int(rng.integers(1, most + 1)))
        if rng.random() < 0.8
        else _short_text(rng, most + 1)
    )
    placed, layout = page.place(text, gap=min(page.layout.gap, 0.2))
    long = (max(one.box[2] for one in placed) - placed[0].box[0]) * page.height
    room = column - long
    at = x + (room * rng.uniform(0.2, 0.8) if room > 0 else 0.1 * room)
    page.canvas.add_number(
        placed, layout, (at, y + (row - page.height) * rng.uniform(0.2, 0.8)), page.height, rng
    )


def _form(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    y = -0.2 * height + rng.uniform(0, 2) * page.height
    cell = rng.uniform(0.95, 1.9)
    while y < 1.1 * height:
        x = rng.uniform(-0.2, 0.25) * width
        if rng.random() < 0.6:
            x = page.label(x, y) + page.height * rng.uniform(0.5, 2)
        n = int(rng.integers(1, 11))
        text = random_digits(rng, n) if rng.random() < 0.85 else _short_text(rng, 8)
        while x < width and text:
            placed, layout = page.place(text, boxes=True, cell=cell, slope=rng.normal(0, 0.01))
            if page.canvas.add_number(placed, layout, (x, y), page.height, rng):
                _add_form_boxes(page, placed, layout, x, y)
            x += page.height * (cell * (len(placed) + 1) + rng.uniform(2, 6))
            text = random_digits(rng, n) if rng.random() < 0.4 else ""
        y += page.height * rng.uniform(2, 4)


def _add_form_boxes(
    page: PageWriter, placed: list[Placed], layout: Layout, x: float, y: float
) -> None:
    box = (0.0, min(one.box[1] for one in placed), 0.0, max(one.box[3] for one in placed))
    frames = _form_boxes(box, placed, np.array([0.0, 0.0]), layout, page.rng)
    origin = np.array([placed[0].box[0], 0.0])
    page.canvas.add_rules([(line - origin) * page.height + [x, y] for line in frames])


def _scattered(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    taken: list[tuple[float, float, float, float]] = []
    for _ in range(rng.integers(1, 14)):
        scale = page.height * float(np.exp(rng.normal(0, 0.3)))
        placed, layout = page.place(_short_text(rng, 8), slope=rng.normal(0, 0.15))
        long = max(one.box[2] for one in placed) - placed[0].box[0]
        x, y = rng.uniform(-0.1, 0.95) * width, rng.uniform(-0.05, 0.95) * height
        rise = abs(layout.slope) * long
        box = (
            x - scale,
            y - (0.6 + rise) * scale,
            x + (long + 1) * scale,
            y + (1.6 + rise) * scale,
        )
        if any(box[0] < t[2] and t[0] < box[2] and box[1] < t[3] and t[1] < box[3] for t in taken):
            continue
        taken.append(box)
        page.canvas.add_number(placed, layout, (x, y), scale, rng)


def _words(page: PageWriter) -> None:
    rng, (height, width) = page.rng, page.canvas.size
    pitch = page.height * rng.uniform(1.5, 3)
    write = page.label if rng.random() < 0.4 else page.word
    for y in np.arange(-0.2 * height, 1.1 * height, pitch):
        x = rng.uniform(-0.1, 0.2) * width
        while x < width:
            x = write(x, y) + page.height * rng.uniform(0.3, 1.2)


def _bare(page: PageWriter) -> None:
    if page.rng.random() < 0.5:
        _rules(page, page.height * page.rng.uniform(1, 3))


def _rules(page: PageWriter, pitch: float) -> None:
    height, width = page.canvas.size
    ys = np.arange(-0.5 * height + page.rng.uniform(0, pitch), 1.5 * height, pitch)
    page.canvas.add_rules([np.array([[-width, y], [2 * width, y]]) for y in ys])


def _scribble(page: PageWriter) -> None:
    """Add a drawing without meaning: a zigzag, a loop, an arrow."""
    rng, (height, width) = page.rng, page.canvas.size
    centre, size = rng.uniform(0, 1, 2) * [width, height], page.height * rng.uniform(0.5, 5)
    kind = rng.random()
    if kind < 0.35:
        n = int(rng.integers(6, 24))
        along = np.linspace(-0.5, 0.5, n)
        line = np.stack([along, np.where(np.arange(n) % 2, 0.15, -0.15) * rng.uniform(0.3, 3)], 1)
    elif kind < 0.7:
        t = np.linspace(0, 2 * np.pi * rng.uniform(0.7, 4), 60)
        line = (
            np.stack(
                [
                    np.cos(t) * np.linspace(1, rng.uniform(0.5, 1), 60),
                    np.sin(t) * rng.uniform(0.3, 1),
                ],
                1,
            )
            / 2
        )
    else:
        line = np.cumsum(rng.normal(0, 0.15, (int(rng.integers(4, 20)), 2)), axis=0)
    line = smooth(line + rng.normal(0, 0.02, line.shape), 1) * size + centre
    page.canvas.add_word([line], 0.05 * page.height)


def _print_block(page: PageWriter) -> None:
    """Add some lines of printed text."""
    rng, (height, width) = page.rng, page.canvas.size
    x, y = rng.uniform(-0.1, 0.6) * width, rng.uniform(-0.1, 0.9) * height
    for _ in range(rng.integers(1, 5)):
        page.label(x, y)
        y += 1.3 * page.font.size


# Layouts by name, with their shares
LAYOUTS: dict[str, tuple[float, Callable[[PageWriter], None]]] = {
    "lines": (0.3, _lines),
    "columns": (0.16, _columns),
    "table": (0.16, _table),
    "form": (0.16, _form),
    "scattered": (0.1, _scattered),
    "words": (0.06, _words),
    "bare": (0.06, _bare),
}


def _word(strokes: StrokeLibrary, rng: Rng) -> tuple[list[Line], float]:
    """Return the strokes of a word of random letters in unit heights, and its length."""
    letters = strokes.letters
    rows = _letter_rows(strokes)
    while True:
        chosen = rows[rng.integers(0, len(rows), int(rng.integers(2, 8)))]
        if any(str(letters.label(int(i))) not in _AMBIGUOUS for i in chosen):
            break
    capitals = rng.random() < 0.3
    x, lines = 0.0, []
    gap = rng.uniform(0.02, 0.2)
    for i in chosen:
        label = str(letters.label(int(i)))
        tall = capitals or label in _TALL or label in _LOW
        size, top = (1.0, 0.0) if tall else (0.6, 0.4)
        top += 0.35 * (label in _LOW and not capitals)
        own = [smooth(line / 1000.0, 1) for line in letters.strokes(int(i))]
        points = np.concatenate(own)
        low, high = points.min(axis=0), points.max(axis=0)
        scale = size / max(float(high[1] - low[1]), 0.6 * float(high[0] - low[0]), 1e-6)
        lines += [(line - low) * scale + [x, top] for line in own]
        x += float(high[0] - low[0]) * scale + gap
    return lines, x


def _letter_rows(strokes: StrokeLibrary) -> Indices:
    letters = strokes.letters
    known = np.isin(letters.writer_names, sorted(strokes.writers))
    return np.flatnonzero(known[letters.writers])


def _printed_text(rng: Rng) -> str:
    words = [
        "".join(rng.choice(_SYLLABLES, int(rng.integers(1, 4)))) for _ in range(rng.integers(1, 4))
    ]
    text = " ".join(words)
    kind = rng.random()
    if kind < 0.15:
        text = text.upper()
    if kind > 0.85:
        text += " " + random_digits(rng, int(rng.integers(1, 5)))
    return text + (":" if rng.random() < 0.3 else "")


@cache
def _font_files() -> tuple[str, ...]:
    return tuple(sorted(glob.glob(_FONTS)))


def _sample_font(rng: Rng, height: float) -> ImageFont.FreeTypeFont:
    size = max(7.0, height * rng.uniform(0.35, 1.2))
    files = _font_files()
    if not files or rng.random() < 0.2:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - Pillow has FreeType
        return font
    return ImageFont.truetype(files[rng.integers(len(files))], size)
