"""Output formats of `inkfast read`: text, CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from inkfast.inference.page import Page
from inkfast.inference.results import one_line

PAGE_FORMATS = ("table", "jsonl", "csv", "parquet")
_COLUMNS = (
    "file", "line", "number", "x", "y", "width", "height", "digit", "confidence", "runner_up",
    "runner_up_confidence", "unsure",
)  # fmt: skip


def page_texts(pages: Iterable[tuple[Path, Page]], form: str, *, several: bool) -> Iterator[str]:
    """Yield the text of each page, after the header if the format has one."""
    if form == "csv":
        yield _csv_line(_COLUMNS)
    for photo, page in pages:
        yield _page_text(photo, page, form, several=several)


def page_parquet(pages: Iterable[tuple[Path, Page]]) -> bytes:
    """Return the bytes of a Parquet file with one row per digit."""
    import pyarrow as pa
    from pyarrow import parquet

    text, whole, share = pa.string(), pa.int64(), pa.float64()
    kinds = (text, *[whole] * 7, share, whole, share, text)
    rows = [row for photo, page in pages for row in _digit_rows(photo, page)]
    file = io.BytesIO()
    schema = pa.schema(list(zip(_COLUMNS, kinds, strict=True)))
    parquet.write_table(pa.Table.from_pylist(rows, schema), file)
    return file.getvalue()


def _page_text(photo: Path, page: Page, form: str, *, several: bool) -> str:
    if form == "jsonl":
        return json.dumps(_page_json(photo, page), ensure_ascii=False) + "\n"
    if form == "csv":
        return "".join(_csv_line([row[c] for c in _COLUMNS]) for row in _digit_rows(photo, page))
    lines = ["  ".join(numbers) for numbers in page.lines] or ["no ink"]
    return "\n".join([*([f"{one_line(str(photo))}:"] if several else []), *lines]) + "\n"


def _page_json(photo: Path, page: Page) -> dict[str, Any]:
    """Return a page as a JSON object, boxes in pixels of the upright photograph."""
    digits = [{key: row[key] for key in _COLUMNS[1:]} for row in _digit_rows(photo, page)]
    return {
        "file": one_line(str(photo)), "width": page.size[0], "height": page.size[1],
        "lines": page.lines, "digits": digits,
    }  # fmt: skip


def _digit_rows(photo: Path, page: Page) -> Iterator[dict[str, Any]]:
    """Yield one row per digit, lines and numbers counted from 1."""
    for digit in page.digits:
        x, y, width, height = digit.box
        answer = digit.prediction
        yield {
            "file": one_line(str(photo)), "line": digit.line + 1, "number": digit.number + 1,
            "x": x, "y": y, "width": width, "height": height, "digit": answer.digit,
            "confidence": round(answer.confidence, 6), "runner_up": answer.runner_up,
            "runner_up_confidence": round(answer.runner_up_confidence, 6), "unsure": answer.unsure,
        }  # fmt: skip


def _csv_line(cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
