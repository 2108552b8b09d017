"""Output of `inkfast read --table`: rows and columns of ruled tables, as CSV or XLSX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from inkfast.cli._page_job import FilePage
from inkfast.inference.page_result import Table
from inkfast.inference.results import one_line
from inkfast.inference.spreadsheet import TableBook

TABLE_FORMATS = ("csv", "xlsx")


def table_texts(pages: Iterable[FilePage]) -> Iterator[str]:
    """Yield each table as CSV, with an empty line between two tables."""
    first = True
    for one in pages:
        for table in one.page.tables:
            yield ("" if first else "\n") + _to_csv(table)
            first = False


def table_file(pages: Iterable[FilePage], form: str) -> bytes:
    """Return the content of a file with all tables; XLSX has one sheet per table."""
    if form == "csv":
        return "".join(table_texts(pages)).encode()
    book = TableBook()
    for one in pages:
        page = f" page {one.page.page}" if one.page.page > 1 else ""
        for table in one.page.tables:
            book.add(one_line(one.file.stem) + page, table)
    return book.content()


def _to_csv(table: Table) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table.texts())
    return text.getvalue()
