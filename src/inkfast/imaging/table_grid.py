"""Find ruled tables and rows of form boxes: thin long rules, where they cross, and their cells.

Rules are straight but may be tilted against each other, as on a photograph of a form. Cells between
which a rule is missing are one cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.boxes import Mask
from inkfast.imaging.opening import GreyImage

# Chosen by trial on forms that a program drew; none was fitted to labelled images.
_WINDOW = 25  # pixels of the closing that gives the paper's brightness, wider than a rule
_CONTRAST = 0.12  # share of the paper's brightness by which a rule is darker
_MAX_THICKNESS = 0.006  # share of the longer side that a rule may be thick, or
_MAX_THICKNESS_PIXELS = 5  # so many pixels, whichever is more
_RUN = 60  # runs of ink from 1/60 of the shorter side count, or from
_MIN_RUN = 10  # so many pixels
_TOLERANCE = 6  # pixels by which a rule may miss the rule that it meets
_MIN_CELL = 10  # pixels of a cell's side
_MIN_COVERED = 0.5  # share of an edge that is inked where cells are apart
_MAX_GAP = 1.5  # times the shorter of two rules in one line: boxes further apart are two tables
MAX_CELLS = 2000  # of a page; more is squared paper, and would take minutes

Points = NDArray[np.float64]  # (..., 2): x, y in pixels


@dataclass(frozen=True)
class GridCell:
    """A cell of a table, or several that no rule separates.

    Attributes:
        row: First row of the cell, from 0.
        column: First column of the cell, from 0.
        rows: Number of rows that it spans.
        columns: Number of columns that it spans.
        corners: Corners inside its rules, float64 ``(4, 2)``: top left, bottom left, bottom right,
            top right.
    """

    row: int
    column: int
    rows: int
    columns: int
    corners: Points


@dataclass(frozen=True)
class TableGrid:
    """The grid of a table.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        cells: Cells in reading order.
    """

    rows: int
    columns: int
    cells: tuple[GridCell, ...]


@dataclass(frozen=True)
class _Rule:
    """A rule along one axis: ``across = slope * along + offset`` from `start` to `end`."""

    slope: float
    offset: float
    start: float
    end: float
    thickness: float

    def across(self, along: float) -> float:
        return self.slope * along + self.offset


def find_tables(grey: GreyImage) -> list[TableGrid]:
    """Return the tables of a page from the top; a table has at least two rules in each direction.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1], bright paper.
    """
    mask = find_dark(grey)
    level, upright = _find_rules(mask), _find_rules(mask.T)
    crossing = np.array([[_cross(one, other) for other in upright] for one in level], bool)
    tables = []
    crossing = crossing.reshape(len(level), len(upright))
    for rows, columns in _connected_grids(crossing, _continued(level), _continued(upright)):
        grid = _make_grid([level[i] for i in rows], [upright[i] for i in columns], mask)
        if grid is not None:
            tables.append(grid)
    return sorted(tables, key=lambda grid: float(grid.cells[0].corners[0, 1]))


def find_dark(grey: GreyImage) -> Mask:
    """Return what is darker than its surroundings, ``(h, w)``."""
    from scipy import ndimage

    paper = ndimage.grey_closing(grey, size=(_WINDOW, _WINDOW))
    return np.asarray(paper - grey > _CONTRAST * np.maximum(paper, 0.15))


def _find_rules(mask: Mask) -> list[_Rule]:
    """Return the horizontal rules of a mask."""
    from scipy import ndimage

    run = max(_MIN_RUN, min(mask.shape) // _RUN)
    most = max(_MAX_THICKNESS_PIXELS, round(_MAX_THICKNESS * max(mask.shape)))
    thick = ndimage.binary_opening(mask, np.ones((most + 1, 1)))
    runs = ndimage.binary_opening(mask & ~thick, np.ones((1, run)))
    joined = ndimage.binary_dilation(runs, np.ones((3, 2 * run + 1)))
    labels, _ = ndimage.label(joined, np.ones((3, 3)))
    rules = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        y, x = np.nonzero((labels[box] == number) & runs[box])
        if np.ptp(x) < 1.5 * run:
            continue
        y, x = y + box[0].start, x + box[1].start
        slope, offset = np.polyfit(x, y, 1)
        thickness = len(x) / len(np.unique(x))
        if np.abs(y - slope * x - offset).max() <= thickness + 3:  # else it is bent, as a digit is
            rules.append(_Rule(float(slope), float(offset), int(x.min()), int(x.max()), thickness))
    return rules


def _cross(level: _Rule, upright: _Rule) -> bool:
    """Return whether a horizontal and a vertical rule meet."""
    x, y = _crossing(level, upright)
    return bool(
        level.start - _TOLERANCE <= x <= level.end + _TOLERANCE
        and upright.start - _TOLERANCE <= y <= upright.end + _TOLERANCE
    )


def _crossing(level: _Rule, upright: _Rule) -> tuple[float, float]:
    y = (level.slope * upright.offset + level.offset) / (1 - level.slope * upright.slope)
    return upright.across(y), y


def _continued(rules: list[_Rule]) -> Mask:
    """Return which rules of one direction lie in one line, as those of separate boxes do."""

    def continues(one: _Rule, other: _Rule) -> bool:
        gap = max(one.start, other.start) - min(one.end, other.end)
        middle = (max(one.start, other.start) + min(one.end, other.end)) / 2
        shorter = min(one.end - one.start, other.end - other.start)
        return (
            gap <= _MAX_GAP * shorter
            and abs(one.across(middle) - other.across(middle)) <= _TOLERANCE
        )

    links = [[continues(one, other) for other in rules] for one in rules]
    return np.array(links, bool).reshape(len(rules), len(rules))


def _connected_grids(
    crossing: Mask, level_links: Mask, upright_links: Mask
) -> list[tuple[list[int], list[int]]]:
    """Return the rules of each table: those that meet at least two others, by connection.

    Args:
        crossing: ``(horizontal, vertical)``, True where two rules meet.
        level_links: ``(horizontal, horizontal)``, True where two lie in one line.
        upright_links: ``(vertical, vertical)``, likewise.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    kept = crossing.copy()
    while True:
        rows, columns = kept.sum(axis=1) >= 2, kept.sum(axis=0) >= 2
        pruned = kept & rows[:, None] & columns
        if (pruned == kept).all():
            break
        kept = pruned
    n = len(kept)
    links = np.zeros((sum(kept.shape), sum(kept.shape)), bool)
    links[:n, n:] = kept
    _, group = connected_components(csr_array(links), directed=False)
    boxes = np.bincount(group)[group] == 4  # rules of single boxes, which may be parts of a row
    links[:n, :n] = level_links & boxes[:n, None] & boxes[:n]
    links[n:, n:] = upright_links & boxes[n:, None] & boxes[n:]
    _, group = connected_components(csr_array(links), directed=False)
    grids = []
    for one in np.unique(group):
        members = np.flatnonzero(group == one)
        level, upright = members[members < n], members[members >= n] - n
        if len(level) >= 2 and len(upright) >= 2:
            grids.append((level.tolist(), upright.tolist()))
    return grids


def _make_grid(level: list[_Rule], upright: list[_Rule], mask: Mask) -> TableGrid | None:
    """Return the grid of connected rules; None if it has no cell."""
    middle_x = float(np.mean([(one.start + one.end) / 2 for one in level]))
    middle_y = float(np.mean([(one.start + one.end) / 2 for one in upright]))
    level, upright = _merge_rules(level, middle_x), _merge_rules(upright, middle_y)
    rows, columns = len(level) - 1, len(upright) - 1
    if rows < 1 or columns < 1 or rows * columns > MAX_CELLS:
        return None
    corners = np.array([[_crossing(one, other) for other in upright] for one in level])
    inset = max(one.thickness for one in (*level, *upright)) / 2 + 3
    group = _join_cells(corners, mask)
    row_of, column_of = (
        _number_boxes(corners.transpose(1, 0, 2), mask),
        _number_boxes(corners, mask),
    )
    cells = []
    for one in np.unique(group):
        r, c = np.nonzero(group == one)
        if row_of[r].max() >= 0 and column_of[c].max() >= 0:
            place = [kept[at] for kept, at in ((row_of, r), (column_of, c))]
            cells.append(_make_cell(corners, (r, c), place, inset))
    if not cells:
        return None
    cells.sort(key=lambda cell: (cell.row, cell.column))
    return TableGrid(int(row_of.max()) + 1, int(column_of.max()) + 1, tuple(cells))


def _number_boxes(corners: Points, mask: Mask) -> NDArray[np.int64]:
    """Return the number of each column from 0; -1 for a gap between separate boxes.

    A gap has a rule neither above nor below, in no row.

    Args:
        corners: Corners ``(rows + 1, columns + 1, 2)``.
        mask: What is dark on the page.
    """
    boxed = np.array(
        [
            any(_is_ruled(mask, row[column], row[column + 1]) for row in corners)
            for column in range(corners.shape[1] - 1)
        ]
    )
    return np.where(boxed, np.cumsum(boxed) - 1, -1)


def _merge_rules(rules: list[_Rule], along: float) -> list[_Rule]:
    """Return rules in order, parts of one rule joined.

    Args:
        rules: Rules of one direction.
        along: Where they are compared.
    """
    ordered = sorted(rules, key=lambda rule: rule.across(along))
    merged: list[list[_Rule]] = []
    for rule in ordered:
        if merged and rule.across(along) - merged[-1][-1].across(along) < _MIN_CELL:
            merged[-1].append(rule)
        else:
            merged.append([rule])
    return [_join_rules(parts) for parts in merged]


def _join_rules(parts: Sequence[_Rule]) -> _Rule:
    """Return the rule through several parts, each weighted by its length."""
    if len(parts) == 1:
        return parts[0]
    along = np.array([end for one in parts for end in (one.start, one.end)])
    across = [one.across(end) for one in parts for end in (one.start, one.end)]
    weights = np.repeat([one.end - one.start + 1 for one in parts], 2)
    slope, offset = np.polyfit(along, across, 1, w=weights)
    thickness = max(one.thickness for one in parts)
    return _Rule(float(slope), float(offset), float(along.min()), float(along.max()), thickness)


def _join_cells(corners: Points, mask: Mask) -> NDArray[np.int64]:
    """Return the group of each cell ``(rows, columns)``; cells without a rule between share one."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    place = np.arange(rows * columns).reshape(rows, columns)
    links = np.zeros((rows * columns, rows * columns), bool)
    for r, c in product(range(rows), range(columns)):
        if c + 1 < columns and not _is_ruled(mask, corners[r, c + 1], corners[r + 1, c + 1]):
            links[place[r, c], place[r, c + 1]] = True
        if r + 1 < rows and not _is_ruled(mask, corners[r + 1, c], corners[r + 1, c + 1]):
            links[place[r, c], place[r + 1, c]] = True
    _, group = connected_components(csr_array(links), directed=False)
    return np.asarray(group, np.int64).reshape(rows, columns)


def _is_ruled(mask: Mask, start: Points, end: Points) -> bool:
    """Return whether a rule runs between two corners."""
    n = max(2, round(float(np.abs(end - start).max())))
    x, y = np.linspace(start, end, n)[n // 10 : n - n // 10].T.round().astype(int)
    height, width = mask.shape
    near = np.zeros(len(x), bool)
    for dx, dy in product((-2, -1, 0, 1, 2), repeat=2):
        near |= mask[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)]
    return bool(near.mean() >= _MIN_COVERED)


def _make_cell(
    corners: Points,
    cells: tuple[NDArray[np.int64], NDArray[np.int64]],
    place: Sequence[NDArray[np.int64]],
    inset: float,
) -> GridCell:
    """Return the cell that spans several cells of a grid, without its rules.

    Args:
        corners: Corners of all cells.
        cells: Row and column of each cell that it spans, as in `corners`.
        place: Row and column of each of them in the table; -1 for a gap.
        inset: Pixels by which its corners lie inside its rules.
    """
    top, left, bottom, right = (
        *(one.min() for one in cells), *(one.max() + 1 for one in cells),
    )  # fmt: skip
    around = corners[[top, bottom, bottom, top], [left, left, right, right]]
    inward = inset * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    (row, rows), (column, columns) = (
        (int(kept.min()), len(np.unique(kept))) for kept in (one[one >= 0] for one in place)
    )
    return GridCell(row, column, rows, columns, around + inward)
