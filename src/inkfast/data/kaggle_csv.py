"""Kaggle's digit-recognizer CSV: ``label,pixel0..pixel783``, or without ``label``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from inkfast.core.digits import SIDE, Digits, Source
from inkfast.core.errors import InkfastError, short_repr

PIXELS = [f"pixel{i}" for i in range(SIDE * SIDE)]
_HEADER = "expected the header label,pixel0,...,pixel783 (or without label)"


def load_csv(path: Path) -> Source:
    """Read a digit-recognizer CSV, with or without byte order mark, with LF or CRLF line ends.

    Raises:
        InkfastError: If a value is no whole number from 0 to 255 (0 to 9 for labels), with its row
            and column, or if a row has missing or extra columns.
    """
    import pyarrow as pa

    names = csv_columns(path)
    try:
        table = _parse_csv(path, {name: pa.uint8() for name in names})
    except pa.ArrowInvalid as error:
        _explain(path, names, error)
    if not table.num_rows:
        raise InkfastError(f"{path}: expected at least one row below the header, got none.")
    if any(column.null_count for column in table.columns):
        _explain(path, names, None)
    found = [column.to_numpy() for column in table.columns]
    images = np.stack(found[-len(PIXELS) :], axis=1).reshape(-1, SIDE, SIDE)
    labels = found[0].astype(np.int64) if names[0] == "label" else None
    return Source(Digits(images, labels, path.name), None, path.name)


def csv_columns(path: Path) -> list[str]:
    """Return the column names of the header: `PIXELS`, with or without ``label`` before them.

    Raises:
        InkfastError: If the header is missing or has other names.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            names = [name.strip().strip('"') for name in file.readline(1 << 16).split(",")]
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror}.") from None
    if names not in (PIXELS, ["label", *PIXELS]):
        raise InkfastError(
            f"{path}: {_HEADER}, got {len(names)} columns starting {short_repr(names[:2])}."
        )
    return names


def _parse_csv(path: Path, types: dict[str, Any], encoding: str = "utf8", **parsing: Any) -> Any:
    """Parse the rows below the header with the given column types."""
    from pyarrow import csv

    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(
            skip_rows=1, column_names=list(types), block_size=8 << 20, encoding=encoding
        ),
        parse_options=csv.ParseOptions(**parsing),
        convert_options=csv.ConvertOptions(column_types=types),
    )


def _explain(path: Path, names: list[str], error: Exception | None) -> NoReturn:
    """Find the first bad row and value in a slow second pass, and raise for it."""
    import pyarrow as pa

    bad: list[str] = []

    def note(row: Any) -> str:
        bad.append(f"expected {row.expected_columns} columns, got {row.actual_columns}")
        return "skip"

    try:
        table = _parse_csv(
            path, {name: pa.string() for name in names}, "latin1", invalid_row_handler=note
        )
    except pa.ArrowInvalid as fault:
        raise InkfastError(f"{path} is not readable as CSV: {str(fault).splitlines()[0]}") from None
    if bad:
        raise InkfastError(f"{path}: a row is broken: {bad[0]}. {_HEADER.capitalize()}.")
    for name, column in zip(names, table.columns, strict=True):
        most = 9 if name == "label" else 255
        for row, value in enumerate(column.to_pylist()):
            text = (value or "").strip()
            if not (re.fullmatch("[0-9]{1,3}", text) and int(text) <= most):
                raise InkfastError(
                    f"{path}: row {row + 1}, column {name}: expected a whole number from 0 to "
                    f"{most}, got {short_repr(value)}."
                )
    raise InkfastError(f"{path} is not readable as CSV: {error}")
