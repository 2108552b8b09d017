"""Output formats of `inkfast read`: text, CSV, JSON lines, Parquet, XLSX."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from inkfast.cli._page_job import FilePage
from inkfast.inference.columns import CHARACTER_COLUMNS, NUMBER_COLUMNS
from inkfast.inference.output_files import parquet_schema
from inkfast.inference.page_result import Row
from inkfast.inference.results import one_line
from inkfast.inference.spreadsheet import rows_to_xlsx

PAGE_FORMATS = ("text", "jsonl", "csv", "parquet", "xlsx")
ROW_COLUMNS = {"number": NUMBER_COLUMNS, "character": CHARACTER_COLUMNS}  # by --each


def page_texts(pages: Iterable[FilePage], form: str, each: str) -> Iterator[str]:
    """Yield the text of each page, after the header if the format has one."""
    if form == "csv":
        yield _csv_line(ROW_COLUMNS[each])
    for one in pages:
        yield _page_text(one, form, each)


def page_file(pages: Iterable[FilePage], form: str, each: str) -> bytes:
    """Return the content of a file with all pages."""
    if form == "parquet":
        return _to_parquet(_page_rows(pages, each), ROW_COLUMNS[each])
    if form == "xlsx":
        return rows_to_xlsx(_page_rows(pages, each), ROW_COLUMNS[each])
    return "".join(page_texts(pages, form, each)).encode()


def _page_rows(pages: Iterable[FilePage], each: str) -> Iterator[Row]:
    """Yield the rows of all pages."""
    for one in pages:
        yield from one.page.rows(one_line(str(one.file)), each=each)


def _to_parquet(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    """Return the bytes of a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), parquet_schema(columns)), file)
    return file.getvalue()


def _page_text(one: FilePage, form: str, each: str) -> str:
    rows = _page_rows([one], each)
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if form == "csv":
        return "".join(_csv_line(row.values()) for row in rows)
    if one.page.error:  # stderr has it
        return ""
    lines = ["  ".join(numbers) for numbers in one.page.lines] or ["no ink"]
    return "\n".join([*([f"{one_line(one.heading)}:"] if one.heading else []), *lines]) + "\n"


def _csv_line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
