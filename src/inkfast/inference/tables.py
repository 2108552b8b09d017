"""Read the numbers of ruled tables and forms, cell by cell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from inkfast.core.errors import InkfastError
from inkfast.imaging.opening import GreyImage, LoadedImage, shrink
from inkfast.imaging.table_grid import GridCell, find_dark, find_tables
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page import read_page
from inkfast.inference.page_result import Page, PageNumber, PixelBox, Table, TableCell
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.reader import Reader

_LONGEST = 1600  # pixels of the longer side to which a page is scaled down
_MIN_INK = 12  # dark pixels of a cell that is read; fewer are dirt, or the rest of a rule


def read_tables(
    image: LoadedImage, reader: Reader | NumberReader, options: ReadOptions = NOTHING_KNOWN
) -> Page:
    """Find the ruled tables of a page and read each of their cells on its own.

    Args:
        image: Image of any size; see `inkfast.inference.page.open_page`.
        reader: Reader of single digits.
        options: What is known about the numbers beforehand.

    Returns:
        The page with its tables; numbers outside of them are not read. The line of a number is the
        row of its cell, counted over all tables of the page.

    Raises:
        InkfastError: If there is no table.
    """
    grey = shrink(image.grey, _LONGEST, _LONGEST // 3)
    if np.median(grey) < 0.5:
        grey = 1 - grey  # chalk on a board
    grids = find_tables(grey)
    if not grids:
        raise InkfastError(
            "no table was found: expected at least two horizontal and two vertical rules that "
            "cross. Read it without --table."
        )
    scale = image.size[0] / grey.shape[1]
    numbers: list[PageNumber] = []
    marks: list[PixelBox] = []
    tables = []
    dark, rows = find_dark(grey), 0
    for grid in grids:
        cells = []
        for cell in grid.cells:
            own = _read_cell(grey, cell, reader, options) if _is_written(dark, cell) else None
            found, left_out = _on_page(own, cell, scale, rows + cell.row + 1, len(numbers))
            numbers += found
            marks += left_out
            cells.append(
                TableCell(cell.row + 1, cell.column + 1, cell.rows, cell.columns, tuple(found))
            )
        tables.append(Table(grid.rows, grid.columns, tuple(cells)))
        rows += grid.rows
    return Page(image.size, tuple(numbers), marks=tuple(marks), scale=scale, tables=tuple(tables))


def _is_written(dark: np.ndarray, cell: GridCell) -> bool:
    left, top, right, bottom = _inner_box(cell)
    return bool(np.count_nonzero(dark[top:bottom, left:right]) >= _MIN_INK)


def _inner_box(cell: GridCell) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of the largest upright box inside a cell."""
    x, y = cell.corners.T
    left, right = max(x[0], x[1], 0), max(min(x[2], x[3]), 0)
    top, bottom = max(y[0], y[3], 0), max(min(y[1], y[2]), 0)
    return int(np.ceil(left)), int(np.ceil(top)), int(right), int(bottom)


def _read_cell(
    grey: GreyImage, cell: GridCell, reader: Reader | NumberReader, options: ReadOptions
) -> Page | None:
    """Return what is read in a cell, stretched to an upright rectangle; None if it is too small."""
    (x, y), (right, bottom) = cell.corners.min(axis=0), cell.corners.max(axis=0)
    size = round(right - x), round(bottom - y)
    if min(size) < 1:
        return None
    whole = Image.fromarray(np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8))
    quad = tuple(float(side) for side in cell.corners.ravel())
    part = whole.transform(size, Image.Transform.QUAD, quad, Image.Resampling.BICUBIC)
    return read_page(LoadedImage(part, size), reader, options)


def _on_page(
    read: Page | None, cell: GridCell, scale: float, line: int, before: int
) -> tuple[list[PageNumber], list[PixelBox]]:
    """Return the numbers and marks of a cell with their boxes on the page.

    Args:
        read: What was read in the cell.
        cell: The cell, in pixels at work.
        scale: Pixels of the upright image for each pixel at work.
        line: Line of the numbers.
        before: Count of numbers before these.
    """
    if read is None:
        return [], []
    left, top = cell.corners.min(axis=0)

    def move(box: PixelBox) -> PixelBox:
        x, y, width, height = box
        sides = left + x, top + y, width, height
        return (
            round(scale * sides[0]), round(scale * sides[1]), round(scale * width),
            round(scale * height),
        )  # fmt: skip

    numbers = [
        replace(one, box=move(one.box), line=line, number=before + place, slope=0.0)
        for place, one in enumerate(read.numbers, start=1)
    ]
    return numbers, [move(box) for box in read.marks]
