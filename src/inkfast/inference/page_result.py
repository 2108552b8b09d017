"""`Page` and `PageNumber`: what was read on a page, one entry per number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from inkfast.core.digits import Images
from inkfast.inference.columns import CHARACTER_COLUMNS, DECIMALS, NUMBER_COLUMNS
from inkfast.inference.numbers import NumberReading

PixelBox: TypeAlias = tuple[int, int, int, int]  # left, top, width, height
Row: TypeAlias = dict[str, Any]  # values by column, see `inkfast.inference.columns`
# Pixels at work: of pages full of one number, all were found whose boxes are as high, and fewer of
# those whose boxes are lower.
_LEGIBLE = 9
NO_NUMBER = "no number was found"
_SLOPE_DECIMALS = 2  # of degrees: half a pixel at the end of a number of 3,000 pixels


@dataclass(frozen=True)
class PageNumber:
    """A number on a page.

    Attributes:
        box: Left, top, width and height in pixels of the upright image.
        line: Line of the page, from 1.
        number: Number on the page in reading order, from 1.
        reading: What the reader says of it.
        image: What the network saw: uint8 ``(h, w)``, bright ink on black.
        slope: Degrees by which the line of writing falls to the right.
    """

    box: PixelBox
    line: int
    number: int
    reading: NumberReading
    image: Images
    slope: float = 0.0

    @property
    def text(self) -> str:
        """The most probable text, even if the reader is unsure."""
        return self.reading.text

    @property
    def unsure(self) -> str:
        """Reason not to rely on the text; "" if the reader is sure."""
        return self.reading.unsure

    @property
    def marked_text(self) -> str:
        """The text with ``?`` in place of every unsure character; never without one if unsure."""
        return mark_unsure(self.reading)

    @property
    def character_boxes(self) -> list[PixelBox]:
        """Box of each character of the text, in pixels of the upright image."""
        left, top, width, height = self.box
        ends = [
            (left + round(width * one.start), left + round(width * one.end))
            for one in self.reading.characters
        ]
        return [(start, top, max(1, end - start), height) for start, end in ends]

    def row(self) -> Row:
        """Return the number by column, from `line` on."""
        reading = self.reading
        where = {"line": self.line, "number": self.number}
        answer = {"text": reading.text, "confidence": round(reading.confidence, DECIMALS)}
        second = {
            "runner_up_text": reading.runner_up,
            "runner_up_confidence": round(reading.runner_up_confidence, DECIMALS),
        }
        return where | answer | second | self._place(reading.unsure, self.box)

    def character_rows(self) -> Iterator[Row]:
        """Yield each character by column, from `line` on.

        An unsure number has an unsure character: all, if none is to blame.
        """
        blamed = any(one.unsure for one in self.reading.characters)
        boxes = zip(self.reading.characters, self.character_boxes, strict=True)
        for place, (one, box) in enumerate(boxes, start=1):
            where = {"line": self.line, "number": self.number, "character": place}
            unsure = one.unsure if blamed else self.unsure
            answer = {"text": one.text, "confidence": round(one.confidence, DECIMALS)}
            yield where | answer | self._place(unsure, box)

    def _place(self, unsure: str, box: PixelBox) -> Row:
        """Return the columns from `unsure` on."""
        sides = dict(zip(("left", "top", "width", "height"), box, strict=True))
        return {"unsure": unsure} | sides | {"slope": round(self.slope, _SLOPE_DECIMALS)}


@dataclass(frozen=True)
class TableCell:
    """A cell of a table.

    Attributes:
        row: First row, from 1.
        column: First column, from 1.
        rows: Number of rows that it spans.
        columns: Number of columns that it spans.
        numbers: Its numbers in reading order.
    """

    row: int
    column: int
    rows: int
    columns: int
    numbers: tuple[PageNumber, ...]

    @property
    def text(self) -> str:
        """The numbers, even if the reader is unsure; "" if the cell is empty."""
        return " ".join(number.text for number in self.numbers)

    @property
    def marked_text(self) -> str:
        """The numbers with ``?`` in place of every unsure character."""
        return " ".join(number.marked_text for number in self.numbers)

    @property
    def unsure(self) -> str:
        """Reasons not to rely on the text; "" if the reader is sure."""
        return "; ".join(number.unsure for number in self.numbers if number.unsure)


@dataclass(frozen=True)
class Table:
    """A ruled table.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        cells: Cells in reading order; one that spans others stands for all of them.
    """

    rows: int
    columns: int
    cells: tuple[TableCell, ...]

    def texts(self) -> list[list[str]]:
        """Return the text of each cell by row; "" where it is empty, ``?`` where it is unsure."""
        texts = [[""] * self.columns for _ in range(self.rows)]
        for cell in self.cells:
            texts[cell.row - 1][cell.column - 1] = cell.marked_text
        return texts


@dataclass(frozen=True)
class Page:
    """What was read on a page.

    Attributes:
        size: Width and height of the upright image in pixels.
        numbers: Numbers in reading order.
        page: Page of the file, from 1.
        marks: Boxes of the marks that were found but not read, in pixels of the upright image.
        turned: Degrees clockwise by which the image was turned to be upright, after its EXIF
            orientation: 0, 90, 180 or 270.
        scale: Pixels of the upright image for each pixel at work.
        tables: Ruled tables that the numbers stand in, if they were asked for.
        error: Why the page could not be opened; else "". Without an image the size is 0, 0.
    """

    size: tuple[int, int]
    numbers: tuple[PageNumber, ...]
    page: int = 1
    marks: tuple[PixelBox, ...] = ()
    turned: int = 0
    scale: float = 1.0
    tables: tuple[Table, ...] = ()
    error: str = ""

    @property
    def left_out(self) -> int:
        """Number of marks that were found but not read."""
        return len(self.marks)

    @property
    def lines(self) -> list[list[str]]:
        """The numbers of each line as text; ``?`` stands for an unsure character."""
        lines: dict[int, list[str]] = {}
        for number in self.numbers:
            lines.setdefault(number.line, []).append(number.marked_text)
        return list(lines.values())

    @property
    def turn_note(self) -> str:
        """What was done to a page that was not upright; "" if it was."""
        if not self.turned:
            return ""
        return f"turned by {self.turned} degrees clockwise, and so are its boxes"

    @property
    def too_small(self) -> str:
        """A warning if digits may be missing because the image was scaled down; else ""."""
        lowest = math.ceil(_LEGIBLE * self.scale)
        heights = [number.box[3] for number in self.numbers]
        if self.scale <= 1 or (heights and np.median(heights) >= lowest):
            return ""
        return (
            f"the image was scaled down {self.scale:.2g} times to be read, so digits lower than "
            f"{lowest} pixels may be missing. Crop it into parts."
        )

    def rows(self, file: str = "", *, each: str = "number") -> list[Row]:
        """Return one row per number, or per character, as the commands write them.

        A page without a number has one row as well, which says so.

        Args:
            file: Value of the column `file`.
            each: ``number`` or ``character``.
        """
        where = {"file": file, "page": self.page}
        if not self.numbers:
            columns = NUMBER_COLUMNS if each == "number" else CHARACTER_COLUMNS
            nothing = {"text": "", "unsure": "" if self.error else NO_NUMBER, "error": self.error}
            return [dict.fromkeys(columns) | where | nothing]
        if each == "number":
            rows = [number.row() for number in self.numbers]
        else:
            rows = [row for number in self.numbers for row in number.character_rows()]
        return [where | row | {"turned": self.turned, "error": ""} for row in rows]


def mark_unsure(reading: NumberReading) -> str:
    """Return the text of a reading with ``?`` in place of every unsure character.

    If the number is unsure and none of its characters is, the least confident one is marked.
    """
    if not reading.unsure:
        return reading.text
    characters = reading.characters
    if not characters:
        return "?"
    least = min(range(len(characters)), key=lambda place: characters[place].confidence)
    marked = {place for place, one in enumerate(characters) if one.unsure} or {least}
    return "".join("?" if i in marked else one.text for i, one in enumerate(characters))
