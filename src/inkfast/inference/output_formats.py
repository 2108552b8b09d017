"""Formats in which results are written as text, one line per row."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

from inkfast.core.errors import InkfastError, check_choice, missing_package
from inkfast.inference.columns import DIGIT_COLUMNS
from inkfast.inference.results import InputResult
from inkfast.inference.table_inputs import TABLE_READERS


@dataclass(frozen=True)
class OutputFormat:
    """A text format with one line per row.

    Attributes:
        header: First line; "" for none.
        format_line: Function of a result and its number from 1 that returns the result's line,
            without a newline.
        parse_line: Function of a line that returns the source ("" if the format lacks it) and the
            state of its result; used to resume a job.
    """

    header: str
    format_line: Callable[[InputResult, int], str]
    parse_line: Callable[[str], tuple[str, str]]


def _format_jsonl(row: InputResult, _: int) -> str:
    return json.dumps(row.values(), ensure_ascii=False)


def _parse_jsonl_row(line: str) -> tuple[str, str]:
    values = json.loads(line)
    return str(values["file"]), _state_of(values)


def _format_csv(row: InputResult, _: int) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(row.values().values())
    return text.getvalue()


def _parse_csv_row(line: str) -> tuple[str, str]:
    (values,) = csv.reader([line])
    found = dict(zip(DIGIT_COLUMNS, values, strict=True))
    return found["file"], _state_of(found)


def _state_of(values: dict[str, Any]) -> str:
    return "error" if values["error"] else "unsure" if values["unsure"] else ""


_MARKS = {"error": "!", "unsure": "?"}  # in place of a digit


def _format_text_line(row: InputResult, _: int) -> str:
    values = row.values()
    mark = _MARKS.get(row.state, str(values["digit"]))
    what = str(values["error"])  # begins with the source
    sure = second = ""
    if not row.error:
        what = f"{values['file']}  {values['unsure']}".rstrip()
    if values["confidence"] is not None:
        sure = f"{values['confidence']:.2%}"
        second = f"{values['runner_up']} {values['runner_up_confidence']:.2%}"
    return f"{mark:>5}  {sure:>10}  {second:>9}  {what}"


def _parse_text_line(line: str) -> tuple[str, str]:
    mark = line[:5].strip()
    return "", next((state for state, known in _MARKS.items() if known == mark), "")


def _format_kaggle(row: InputResult, number: int) -> str:
    if row.prediction is None and os.path.splitext(row.source)[1].lower() in TABLE_READERS:
        raise InkfastError(row.error)  # the table itself cannot be read in any format
    if row.prediction is None:
        raise InkfastError(
            f"{row.error} Kaggle's format needs a digit in every row: use --format csv."
        )
    return f"{number},{row.prediction.digit}"


OUTPUT_FORMATS = {
    "text": OutputFormat("digit  confidence  runner-up  file", _format_text_line, _parse_text_line),
    "csv": OutputFormat(",".join(DIGIT_COLUMNS), _format_csv, _parse_csv_row),
    "jsonl": OutputFormat("", _format_jsonl, _parse_jsonl_row),
    "kaggle": OutputFormat("ImageId,Label", _format_kaggle, lambda _: ("", "")),
}
_FORMAT_OF_SUFFIX = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".txt": "text",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_PACKAGES = {"parquet": "pyarrow", "xlsx": "openpyxl"}  # that write what is not text


def choose_format(asked: str | None, to: Path | None, known: Sequence[str], otherwise: str) -> str:
    """Return the name of the format to write.

    Args:
        asked: Name of the format asked for, one of `known`; None to choose by the file's suffix.
        to: File to write; None for a stream of text.
        known: Names of the allowed formats.
        otherwise: Name of the format if neither `asked` nor `to` is given.

    Raises:
        InkfastError: If the format is unknown, is no text for a stream, or needs a package that
            is not installed.
    """
    form = _format_name(asked, to, known, otherwise)
    if form in _PACKAGES and find_spec(_PACKAGES[form]) is None:
        raise InkfastError(missing_package(_PACKAGES[form]))
    return form


def _format_name(asked: str | None, to: Path | None, known: Sequence[str], otherwise: str) -> str:
    if asked is not None:
        check_choice("format", asked, known)
    if asked in _PACKAGES and to is None:
        raise InkfastError(f"--format {asked} is not text: it needs --to FILE.")
    if asked or to is None:
        return asked or otherwise
    suffixes = [suffix for suffix, form in _FORMAT_OF_SUFFIX.items() if form in known]
    if to.suffix.lower() not in suffixes:
        raise InkfastError(
            f"`to` must end in {', '.join(suffixes)}, got {to}. Or give --format, which "
            f"may be {', '.join(known[:-1])} or {known[-1]}."
        )
    return _FORMAT_OF_SUFFIX[to.suffix.lower()]
