"""XLSX files for Excel and its like: one row per result, or tables; what is unsure is coloured.

Text stays text: neither is a leading zero lost, nor is a name that begins with = a formula.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write
from inkfast.inference.columns import DIGIT_COLUMNS
from inkfast.inference.output_files import ResultWriter, lock_partial, partial_path
from inkfast.inference.page_result import Table
from inkfast.inference.results import InputResult

MAX_ROWS = 1_048_576  # of a sheet with its header. Source: ECMA-376, and Excel's specification
_UNSURE_COLOUR = "FFE699"  # light orange, legible under black text
_WIDTHS = {"file": 40, "text": 14, "unsure": 40, "error": 40}  # in characters, others 12


class Sheet:
    """A workbook with one sheet that grows row by row.

    Args:
        columns: Names of the columns.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        from openpyxl import Workbook
        from openpyxl.styles import Font
        from openpyxl.utils import get_column_letter

        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("results")
        self._sheet.freeze_panes = "A2"
        for place, name in enumerate(columns, start=1):
            letter = get_column_letter(place)
            self._sheet.column_dimensions[letter].width = _WIDTHS.get(name, 12)
        self._sheet.append([self._cell(name, font=Font(bold=True)) for name in columns])
        self._rows = 1

    def append(self, row: dict[str, Any]) -> None:
        """Append a row; the answer and the reason of an unsure one are coloured.

        Raises:
            InkfastError: If the sheet is full.
        """
        from openpyxl.styles import PatternFill

        if self._rows == MAX_ROWS:
            raise InkfastError(
                f"a sheet of an XLSX file holds at most {MAX_ROWS - 1:,} rows below its header. "
                "Use --format csv or parquet."
            )
        fill = PatternFill("solid", fgColor=_UNSURE_COLOUR) if row["unsure"] else None
        marked = ("text", "digit", "unsure") if fill else ()
        self._sheet.append(
            [
                self._cell(value, fill=fill if name in marked else None)
                for name, value in row.items()
            ]
        )
        self._rows += 1

    def _cell(self, value: Any, **style: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        cell = WriteOnlyCell(self._sheet, value)
        if isinstance(value, str):
            cell.data_type = "s"  # whatever it begins with
            cell.number_format = "@"
        for name, one in style.items():
            if one is not None:
                setattr(cell, name, one)
        return cell

    def save(self, file: Path | io.BytesIO) -> None:
        """Write the workbook; nothing can be appended afterwards."""
        self._book.save(file)


def rows_to_xlsx(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> bytes:
    """Return the content of an XLSX file with these rows.

    Raises:
        InkfastError: If there are more rows than a sheet holds.
    """
    sheet, file = Sheet(columns), io.BytesIO()
    for row in rows:
        sheet.append(row)
    sheet.save(file)
    return file.getvalue()


class TableBook:
    """A workbook with one sheet per table, its cells where they stand on the page.

    An unsure cell is coloured and has a comment with the reason; it holds the best guess.
    """

    def __init__(self) -> None:
        from openpyxl import Workbook

        self._book = Workbook()
        self._book.remove(self._book.active)

    def add(self, name: str, table: Table) -> None:
        """Add a table.

        Args:
            name: Name of its sheet, as far as a sheet can have it.
            table: The table.
        """
        from openpyxl.comments import Comment
        from openpyxl.styles import PatternFill

        sheet = self._book.create_sheet(_sheet_name(name, self._book.sheetnames))
        for cell in table.cells:
            if cell.rows > 1 or cell.columns > 1:
                end = cell.row + cell.rows - 1, cell.column + cell.columns - 1
                sheet.merge_cells(None, cell.row, cell.column, *end)
            if not cell.numbers:
                continue
            written = sheet.cell(cell.row, cell.column, cell.text)
            written.data_type, written.number_format = "s", "@"
            if cell.unsure:
                written.fill = PatternFill("solid", fgColor=_UNSURE_COLOUR)
                written.comment = Comment(cell.unsure, "inkfast")

    def content(self) -> bytes:
        """Return the content of the file."""
        file = io.BytesIO()
        self._book.save(file)
        return file.getvalue()


def _sheet_name(name: str, used: Sequence[str]) -> str:
    """Return a name of at most 31 characters that no sheet has yet, in any case of letters."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f']", "_", name)[:25] or "table"
    taken = {one.lower() for one in used}
    number = 1
    while (candidate := plain if number == 1 else f"{plain} {number}").lower() in taken:
        number += 1
    return candidate


class XlsxFileWriter(ResultWriter):
    """Writes rows to an XLSX file; an interrupted job cannot be resumed.

    Args:
        path: Name of the complete file.

    Raises:
        InkfastError: If another job is writing the file, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part: Path = partial_path(path)
        self._lock = lock_partial(path)
        self._sheet = Sheet(DIGIT_COLUMNS)

    def write(self, row: InputResult) -> None:
        """Append a row."""
        self._sheet.append(row.values())
        self.written += 1

    def finish(self) -> None:
        """Write the file and rename it to its final name."""
        try:
            self._sheet.save(self.part)
            os.replace(self.part, self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._lock.close()

    def abort(self) -> None:
        """Delete the part."""
        with suppress(OSError):
            self.part.unlink(missing_ok=True)
        self._lock.close()
