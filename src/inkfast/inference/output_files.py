"""Rows -> table, JSON lines, CSV, Parquet or Kaggle's submission, a line a row as they come.

A file grows under the name ``FILE.part`` and gets its own when it is whole; an interrupted job is
gone on with from the whole rows that it left there.
"""

from __future__ import annotations

import csv
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write, open_locked, read_json, write_json
from inkfast.inference.inputs import InputItem
from inkfast.inference.output_formats import OutputFormat
from inkfast.inference.results import RESULT_FIELDS, InputResult, one_line

_READ_BYTES = 1 << 20  # bytes of a row
_ROW_GROUP = 50_000  # rows of a Parquet file that are written together


def partial_path(path: Path) -> Path:
    """Return the name under which a file grows until it is whole."""
    return path.with_name(f"{path.name}.part")


def _lock_partial(path: Path) -> IO[bytes]:
    """Keep other jobs from writing the part of `path` until what is returned is closed."""
    return open_locked(
        partial_path(path), f"another job is writing {path}. Wait for it, or choose another file."
    )


class ResultWriter(ABC):
    """Where rows go.

    Attributes:
        written: Rows in it.
        done: Those of them that an interrupted job left there.
        part: The file that holds them until it is whole, if they go to one.
    """

    done: int = 0
    written: int = 0
    part: Path | None = None

    @abstractmethod
    def write(self, row: InputResult) -> None:
        """Write a row behind the others."""

    def kept(self) -> Iterator[tuple[str, str]]:
        """Yield the source, or "" if it is not told, and the state of each row that was left."""
        return iter(())

    @abstractmethod
    def finish(self) -> None:
        """Make it whole."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of it before it is whole."""


class StreamWriter(ResultWriter):
    """Rows as lines of an open stream, such as a terminal or a pipe."""

    def __init__(self, file: IO[str], form: OutputFormat) -> None:
        self._file, self._form = file, form

    def write(self, row: InputResult) -> None:
        """Write a row; whoever reads the stream has it at once."""
        line = self._form.line(row, self.written + 1)
        if self._form.header and not self.written:
            line = f"{self._form.header}\n{line}"
        self._file.write(line + "\n")
        self._file.flush()
        self.written += 1

    def finish(self) -> None:
        """Do nothing: every line is written already."""

    def leave(self) -> None:
        """Do nothing: the stream belongs to whoever opened it."""


class TextFileWriter(ResultWriter):
    """A file of rows that grows until it is whole.

    Args:
        path: Its name once it is whole.
        form: Of its lines.
        job: What must be the same for rows to belong together; kept beside the part.
        resume: Whether to go on with what an interrupted job left.
        overwrite: Whether what it left may go.

    Raises:
        InkfastError: If another job is writing it; if an interrupted job left rows and they are
            not to be kept, or belong to another job; or the place cannot be written.
    """

    def __init__(
        self,
        path: Path,
        form: OutputFormat,
        job: dict[str, Any],
        *,
        resume: bool,
        overwrite: bool = False,
    ) -> None:
        self.path, self.form = path, form
        self.part: Path = partial_path(path)
        self._about = path.with_name(f"{path.name}.part.json")
        self._claim = _lock_partial(path)
        try:
            self._begin(job, resume=resume, overwrite=overwrite)
        except BaseException:
            self._claim.close()
            raise

    def _begin(self, job: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
        lines = 0
        if overwrite:
            os.truncate(self.part, 0)
        if self.part.stat().st_size:
            self._check(job, resume)
            lines = _truncate_to_whole_lines(self.part)
        if lines:
            self._check_header()
        self.done = self.written = max(0, lines - bool(self.form.header))
        write_json(self._about, job)
        try:
            self._file = self.part.open("a", encoding="utf-8", newline="")
            if not lines and self.form.header:
                self._file.write(self.form.header + "\n")
        except OSError as error:
            raise cannot_write(self.part, error) from None

    def _check(self, job: dict[str, Any], resume: bool) -> None:
        if not resume:
            raise InkfastError(
                f"{self.part} holds what an interrupted job left. Go on with --resume, or "
                "begin anew with --overwrite."
            )
        if not self._about.exists() or read_json(self._about) != job:
            raise InkfastError(
                f"{self.part} was left by a job with another model or form. Go on with the same "
                "flags, or begin anew with --overwrite."
            )

    def _check_header(self) -> None:
        header = f"{self.form.header}\n".encode() if self.form.header else b""
        with self.part.open("rb") as file:
            if file.read(len(header)) != header:
                raise InkfastError(
                    f"{self.part} is damaged: its first line is not {self.form.header}. Delete it."
                )

    def kept(self) -> Iterator[tuple[str, str]]:
        """Read the lines that were left, one after the other; see `Output.kept`."""
        with self.part.open("rb") as file:
            for number, line in enumerate(file, start=0 if self.form.header else 1):
                if number > self.done:
                    return
                if number:
                    yield self._kept(line, number)

    def _kept(self, line: bytes, number: int) -> tuple[str, str]:
        try:
            return self.form.kept(line.decode().removesuffix("\n"))
        except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
            raise InkfastError(
                f"{self.part} is damaged: row {number} is no row. Delete it."
            ) from None

    def write(self, row: InputResult) -> None:
        """Write a row behind the others."""
        try:
            self._file.write(self.form.line(row, self.written + 1) + "\n")
        except OSError as error:
            raise cannot_write(self.part, error) from None
        self.written += 1

    def finish(self) -> None:
        """Give the file its name: it is whole."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self.part, self.path)
            self._about.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._claim.close()

    def leave(self) -> None:
        """Keep what there is for another time; nothing if there is no row."""
        with suppress(OSError):  # a full disk, of which has been told
            self._file.close()
        if not self.written:
            self.part.unlink(missing_ok=True)
            self._about.unlink(missing_ok=True)
        self._claim.close()


def _truncate_to_whole_lines(part: Path) -> int:
    """Cut off what was being written when the job ended, and return how many lines are left."""
    lines = whole = 0
    with part.open("r+b") as file:
        while block := file.read(_READ_BYTES):
            lines += block.count(b"\n")
            if b"\n" in block:
                whole = file.tell() - len(block) + block.rindex(b"\n") + 1
        file.truncate(whole)
    return lines


class ParquetFileWriter(ResultWriter):
    """A Parquet file of rows; one that was interrupted cannot be gone on with.

    Args:
        path: Its name once it is whole.

    Raises:
        InkfastError: If another job is writing it, or the place cannot be written.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self.path = path
        self.part: Path = partial_path(path)
        self._rows: list[dict[str, Any]] = []
        kinds = (pa.string(), pa.int8(), pa.float64(), pa.int8(), pa.float64(), *[pa.string()] * 2)
        self._schema = pa.schema(list(zip(RESULT_FIELDS, kinds, strict=True)))
        self._claim = _lock_partial(path)
        try:
            self._file = parquet.ParquetWriter(self.part, self._schema)
        except OSError as error:
            self._claim.close()
            raise cannot_write(self.part, error) from None

    def write(self, row: InputResult) -> None:
        """Write a row behind the others."""
        self._rows.append(row.values())
        self.written += 1
        if len(self._rows) == _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        try:
            self._file.write_table(pa.Table.from_pylist(self._rows, self._schema))
        except OSError as error:
            raise cannot_write(self.part, error) from None
        self._rows = []

    def finish(self) -> None:
        """Give the file its name: it is whole."""
        self._flush()
        try:
            self._file.close()
            os.replace(self.part, self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._claim.close()

    def leave(self) -> None:
        """Remove what there is."""
        with suppress(OSError):
            self._file.close()
        self.part.unlink(missing_ok=True)
        self._claim.close()


def check_same_sources(given: Iterable[InputItem], kept: Iterator[str]) -> Iterator[InputItem]:
    """Pass pictures on, the first of which must be those whose rows are kept.

    Args:
        given: The pictures.
        kept: The source of each row that is kept; "" where it is not told.

    Raises:
        InkfastError: If they are others, or fewer.
    """
    number = 0
    for number, one in enumerate(given, start=1):
        source = one_line(one.source)
        before = next(kept, "")
        if before not in ("", source):
            raise InkfastError(
                f"what is to be gone on with is of other pictures: row {number} is {before}, and "
                f"now it would be {source}. Give the same ones."
            )
        yield one
    if next(kept, None) is not None:
        raise InkfastError(
            f"what is to be gone on with has rows of more pictures than the {number:,} given."
        )
