"""Tables of answers that `read` and `predict` wrote: CSV, JSON lines or Parquet.

Every value is text, as it would stand in a CSV file, so that the three are handled alike.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from inkfast.core.errors import InkfastError, missing_package
from inkfast.core.io import read_file

AnswerRow: TypeAlias = dict[str, str]  # values by column, see `inkfast.inference.columns`
ANSWERS_OF = {"text": "number", "digit": "digit"}  # what is answered, by the answer's column
_NEEDED = ("file", "page", "unsure")
_BOX = ("left", "top", "width", "height")
BOM = "\ufeff"  # which spreadsheets write at the beginning of a file


@dataclass(frozen=True)
class AnswersTable:
    """A table of answers.

    Attributes:
        path: Its file.
        columns: Names of its columns.
        rows: Its rows.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[AnswerRow]

    @property
    def answer(self) -> str:
        """Column of the answers: `text` for numbers, `digit` for images of one digit."""
        return next(name for name in ANSWERS_OF if name in self.columns)

    @property
    def what(self) -> str:
        """What is answered: ``number`` or ``digit``."""
        return ANSWERS_OF[self.answer]

    def has_answer(self, row: AnswerRow) -> bool:
        """Return whether a row stands for something that was read: no failed and no empty page."""
        return not row.get("error") and (self.what == "digit" or bool(row["text"]))


def load_answers(path: Path) -> AnswersTable:
    """Read a table of answers.

    Raises:
        InkfastError: If there is no such file, it is none of a .csv, .jsonl or .parquet file, it
            is damaged, or it lacks a column.
    """
    return parse_answers(path, read_file(path))


def parse_answers(path: Path, content: bytes) -> AnswersTable:
    """Parse the content of a table of answers; see `load_answers`."""
    parse = {".csv": _csv_answers, ".jsonl": _jsonl_answers, ".parquet": _parquet_answers}
    if path.suffix.lower() not in parse:
        raise InkfastError(
            f"{path}: expected a .csv, .jsonl or .parquet file of `inkfast read --to FILE` or "
            "`inkfast predict --to FILE`."
        )
    try:
        columns, rows = parse[path.suffix.lower()](path, content)
    except (ValueError, RecursionError, csv.Error) as error:
        if isinstance(error, InkfastError):
            raise
        raise InkfastError(f"{path} is damaged ({_reason_of(error)}). Write it again.") from None
    _check_columns(path, columns)
    return AnswersTable(path, columns, rows)


def _reason_of(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _check_columns(path: Path, columns: tuple[str, ...]) -> None:
    needed = _NEEDED + (("number", *_BOX) if "text" in columns else ())
    missing = [name for name in needed if name not in columns]
    if not any(name in columns for name in ANSWERS_OF):
        missing.append("text or digit")
    if missing:
        raise InkfastError(
            f"{path}: expected the columns of `inkfast read` or `inkfast predict`, separated by "
            f"commas; {', '.join(missing)} is missing."
        )


def _csv_answers(path: Path, content: bytes) -> tuple[tuple[str, ...], list[AnswerRow]]:
    lines = csv.reader(io.StringIO(content.decode().removeprefix(BOM), newline=""), strict=True)
    columns = tuple(next(lines, ()))
    rows = []
    for place, cells in enumerate((one for one in lines if one), start=1):
        if len(cells) != len(columns):
            raise InkfastError(
                f"{path}: row {place}: expected {len(columns)} cells as in its header, got "
                f"{len(cells)}."
            )
        rows.append(dict(zip(columns, cells, strict=True)))
    return columns, rows


def _jsonl_answers(path: Path, content: bytes) -> tuple[tuple[str, ...], list[AnswerRow]]:
    found = [json.loads(line) for line in content.decode().split("\n") if line.strip()]
    columns = tuple(found[0]) if found and isinstance(found[0], dict) else ()
    for place, row in enumerate(found, start=1):
        if not isinstance(row, dict) or tuple(row) != columns:
            raise InkfastError(f"{path}: line {place}: expected the keys of the first line.")
    return columns, [*_to_texts(found)]


def _parquet_answers(_: Path, content: bytes) -> tuple[tuple[str, ...], list[AnswerRow]]:
    if find_spec("pyarrow") is None:
        raise InkfastError(missing_package("pyarrow"))
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(_reason_of(error)) from None
    return tuple(table.column_names), [*_to_texts(table.to_pylist())]


def _to_texts(rows: list[dict[str, Any]]) -> Iterator[AnswerRow]:
    for row in rows:
        yield {name: "" if value is None else str(value) for name, value in row.items()}


def csv_line(cells: Any) -> str:
    """Return a line of a CSV file, without a newline."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
