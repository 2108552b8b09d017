"""The cells of ruled tables are read on their own, and stay where they are."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.inference.page import open_page
from inkfast.inference.page_result import Table, TableCell
from inkfast.inference.reader import Reader
from inkfast.inference.spreadsheet import TableBook
from inkfast.inference.tables import read_tables
from tests.imaging.photographs import file_of, page, photographed
from tests.imaging.test_table_grid import HEIGHT, LEFT, ROWS, TOP, WIDTH, ruled
from tests.inference.test_columns import number, reading


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.open(threads=1)


def test_cells_keep_rows_and_columns(reader):
    """Each text stands in its cell; empty cells are empty, and boxes lie in their cells."""
    found = read_tables(open_page(file_of(photographed(ruled()))), reader)
    (table,) = found.tables
    assert table.texts() == ROWS
    assert [one.number for one in found.numbers] == [1, 2, 3, 4, 5, 6, 7]
    for cell in table.cells:
        for one in cell.numbers:
            left, top, width, height = one.box
            assert one.line == cell.row
            assert (
                LEFT + WIDTH * (cell.column - 1) < left < left + width < LEFT + WIDTH * cell.column
            )
            assert TOP + HEIGHT * (cell.row - 1) < top < top + height < TOP + HEIGHT * cell.row


def test_a_page_without_a_table_is_refused(reader):
    """One sentence says what was expected and what to do."""
    with pytest.raises(InkfastError, match="no table was found: expected at least two horizontal"):
        read_tables(open_page(file_of(photographed(page("0123 456")))), reader)


def test_the_command_writes_tables(inkfast, tmp_path):
    """CSV on standard output or in a file; a page without a table is one line, and failed."""
    openpyxl = pytest.importorskip("openpyxl")
    (tmp_path / "a.png").write_bytes(file_of(photographed(ruled())))
    (tmp_path / "b.png").write_bytes(file_of(photographed(page("0123 456"))))
    code, out, err = inkfast("read", tmp_path / "a.png", tmp_path / "b.png", "--table")
    assert (code, list(csv.reader(io.StringIO(out)))) == (1, ROWS)
    assert f"inkfast: {tmp_path}/b.png: no table was found" in err
    assert err.splitlines()[-1] == ("inkfast: 7 numbers, 0 unsure, 1 file failed, 0 marks left out")
    to = tmp_path / "a.xlsx"
    assert inkfast("read", tmp_path / "a.png", "--table", "--to", to)[0] == 0
    (sheet,) = openpyxl.load_workbook(to).worksheets
    assert sheet.title == "a"
    assert [[cell or "" for cell in row] for row in sheet.values] == [
        row[: sheet.max_column] for row in ROWS
    ]
    for words in (("--each", "character"), ("--format", "jsonl"), ("--to", tmp_path / "a.txt")):
        code, _, err = inkfast("read", tmp_path / "a.png", "--table", *words)
        assert (code, err.count("\n")) == (2, 1)


def test_unsure_cells_are_marked_in_both_formats():
    """CSV has `?`; XLSX the best guess as text, with a colour and the reason as a comment."""
    openpyxl = pytest.importorskip("openpyxl")
    unsure = number(reading("407", "it may be 401", doubtful=2))
    leading = number(reading("=07"))
    table = Table(2, 2, (
        TableCell(1, 1, 1, 2, (unsure,)), TableCell(2, 1, 1, 1, (leading,)), TableCell(2, 2, 1, 1, ()),
    ))  # fmt: skip
    assert table.texts() == [["40?", ""], ["=07", ""]]
    book = TableBook()
    book.add("form [1]: a name that is much longer than a sheet's may be", table)
    book.add("form [1]: a name that is much longer than a sheet's may be", table)
    first, second = openpyxl.load_workbook(io.BytesIO(book.content())).worksheets
    assert len({first.title, second.title}) == 2
    assert max(map(len, (first.title, second.title))) <= 31
    assert (first["A1"].value, first["A1"].comment.text) == ("407", "it may be 401")
    assert first["A1"].fill.fgColor.rgb.endswith("FFE699")
    assert (first["A2"].value, first["A2"].data_type, first["A2"].comment) == ("=07", "s", None)
    assert [str(merged) for merged in first.merged_cells.ranges] == ["A1:B1"]


def test_texts_are_counted_over_all_tables(reader):
    """The line of a number counts the rows of all tables of the page."""
    both = np.vstack([ruled(), ruled()])
    found = read_tables(open_page(file_of(photographed(both))), reader)
    assert len(found.tables) == 2
    assert sorted({one.line for one in found.numbers}) == [1, 2, 3, 4, 5, 6]
