"""Ruled tables are found with their rows, columns and joined cells, tilted or not."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inkfast.imaging.table_grid import find_tables
from tests.imaging.photographs import page, photographed, write_on

ROWS = [["12", "7", "305"], ["4", "", "96"], ["81", "60", ""]]
WIDTH, HEIGHT, LEFT, TOP = 150, 70, 60, 50  # of a cell, and of the table's corner, in pixels


def ruled(rows: list[list[str]] = ROWS, without: tuple[int, int] | None = None) -> np.ndarray:
    """Return the ink of a table; without the rule to the right of one cell."""
    right, bottom = LEFT + WIDTH * len(rows[0]), TOP + HEIGHT * len(rows)
    ink = np.zeros((bottom + TOP, right + LEFT))
    ink[TOP : bottom + 1 : HEIGHT, LEFT:right] = 0.8
    ink[TOP:bottom, LEFT : right + 1 : WIDTH] = 0.8
    ink[1:, 1:] = np.maximum(ink[1:, 1:], ink[:-1, :-1])  # two pixels thick
    if without:
        top, left = TOP + HEIGHT * without[0], LEFT + WIDTH * (without[1] + 1)
        ink[top + 3 : top + HEIGHT - 1, left : left + 2] = 0
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            write_on(ink, text, LEFT + WIDTH * column + 15, TOP + HEIGHT * row + 16, 40, 6)
    return ink


def grey_of(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).convert("L"), np.float32) / 255


@pytest.mark.parametrize("kind", ["plain", "shadow", "slope of light", "pencil"])
def test_tables_are_found_in_any_light(kind):
    """Every cell is found, and its corners lie inside its rules."""
    (grid,) = find_tables(grey_of(photographed(ruled(), kind)))
    assert (grid.rows, grid.columns, len(grid.cells)) == (3, 3, 9)
    for cell in grid.cells:
        left, top = LEFT + WIDTH * cell.column, TOP + HEIGHT * cell.row
        expected = [
            (left, top), (left, top + HEIGHT), (left + WIDTH, top + HEIGHT), (left + WIDTH, top),
        ]  # fmt: skip
        away = np.abs(cell.corners - expected)
        assert (away > 1).all()
        assert (away < 9).all()


@pytest.mark.parametrize("degrees", [-2.5, 2.5])
def test_tables_may_be_tilted(degrees):
    """A table that is turned a little is the same table."""
    sheet = Image.fromarray(photographed(ruled()))
    turned = sheet.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=(217,) * 3)
    (grid,) = find_tables(grey_of(np.asarray(turned)))
    assert (grid.rows, grid.columns, len(grid.cells)) == (3, 3, 9)


def test_cells_without_a_rule_between_are_one():
    """Two cells that no rule separates are one that spans both."""
    (grid,) = find_tables(grey_of(photographed(ruled(without=(1, 0)))))
    assert (grid.rows, grid.columns, len(grid.cells)) == (3, 3, 8)
    (wide,) = [cell for cell in grid.cells if cell.columns == 2]
    assert (wide.row, wide.column, wide.rows) == (1, 0, 1)


def test_a_gap_between_boxes_is_no_cell():
    """Separate boxes in one row have so many columns, whatever is between them."""
    ink = np.zeros((170, 420))
    for left in (60, 180, 300):
        ink[50:122, left : left + 62] = 0.8
        ink[53:119, left + 3 : left + 59] = 0
    (grid,) = find_tables(grey_of(photographed(ink)))
    assert (grid.rows, grid.columns) == (1, 3)
    assert [(cell.column, cell.columns) for cell in grid.cells] == [(0, 1), (1, 1), (2, 1)]
    lefts = [cell.corners[0, 0] for cell in grid.cells]
    assert np.allclose(lefts, [60, 180, 300], atol=8)


def test_two_tables_are_two():
    """Tables that do not meet are apart, the upper one first."""
    ink = ruled()
    both = np.vstack([ruled([["1", "2"]])[:, : ink.shape[1]], np.zeros((1, 420))])
    both = np.pad(both, ((0, 0), (0, ink.shape[1] - both.shape[1])))
    grids = find_tables(grey_of(photographed(np.vstack([both, ink]))))
    assert [(grid.rows, grid.columns) for grid in grids] == [(1, 2), (3, 3)]


@pytest.mark.parametrize("kind", ["plain", "ruled"])
def test_pages_without_a_table_have_none(kind):
    """Neither numbers nor ruled paper are a table."""
    assert find_tables(grey_of(photographed(page("0123 456", "789 0246", "44444"), kind))) == []
