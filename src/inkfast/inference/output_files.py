"""Write results as they come: lines of text to a stream or a file, or a Parquet file.

A file grows under the name ``FILE.part`` and is renamed when it is complete. An interrupted job is
resumed after the last complete line of its part.
"""

from __future__ import annotations

import csv
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write, open_locked, read_json, write_json
from inkfast.inference.columns import COLUMNS, DIGIT_COLUMNS
from inkfast.inference.inputs import InputItem
from inkfast.inference.output_formats import OutputFormat
from inkfast.inference.results import InputResult, one_line

_READ_BYTES = 1 << 20  # read at a time
_ROW_GROUP = 50_000  # rows of a Parquet file that are written together; bounds memory


def partial_path(path: Path) -> Path:
    """Return the name under which a file grows until it is complete."""
    return path.with_name(f"{path.name}.part")


def lock_partial(path: Path) -> IO[bytes]:
    """Lock the part of `path` against other jobs; closing the returned file unlocks it."""
    return open_locked(
        partial_path(path), f"another job is writing {path}. Wait for it, or choose another file."
    )


class ResultWriter(ABC):
    """Destination of results.

    Attributes:
        written: Number of rows written, resumed ones included.
        resumed: Number of rows that an interrupted job left.
        part: File that holds the rows until it is complete; None for a stream.
    """

    resumed: int = 0
    written: int = 0
    part: Path | None = None

    @abstractmethod
    def write(self, row: InputResult) -> None:
        """Append a row."""

    def iter_resumed(self) -> Iterator[tuple[str, str]]:
        """Yield source and state of each resumed row; the source is "" if the format lacks it."""
        return iter(())

    @abstractmethod
    def finish(self) -> None:
        """Complete the output."""

    @abstractmethod
    def abort(self) -> None:
        """Close the output before it is complete."""


class StreamWriter(ResultWriter):
    """Writes rows as lines to an open stream, such as a terminal or a pipe."""

    def __init__(self, file: IO[str], line_format: OutputFormat) -> None:
        self._file, self._format = file, line_format

    def write(self, row: InputResult) -> None:
        """Append a row and flush the stream."""
        line = self._format.format_line(row, self.written + 1)
        if self._format.header and not self.written:
            line = f"{self._format.header}\n{line}"
        self._file.write(line + "\n")
        self._file.flush()
        self.written += 1

    def finish(self) -> None:
        """Do nothing: every line is already written."""

    def abort(self) -> None:
        """Do nothing: the stream belongs to the caller."""


class TextFileWriter(ResultWriter):
    """Writes rows as lines to a file.

    Args:
        path: Name of the complete file.
        line_format: Format of its lines.
        job: Settings that must be equal for a job to be resumed; kept beside the part.
        resume: Whether to continue after the rows that an interrupted job left.
        overwrite: Whether to delete these rows.

    Raises:
        InkfastError: If another job is writing the file; if an interrupted job left rows and
            neither `resume` nor `overwrite` is set, or its settings were others; or if the file
            cannot be written.
    """

    def __init__(
        self,
        path: Path,
        line_format: OutputFormat,
        job: dict[str, Any],
        *,
        resume: bool,
        overwrite: bool = False,
    ) -> None:
        self.path, self._format = path, line_format
        self.part: Path = partial_path(path)
        self._job_file = path.with_name(f"{path.name}.part.json")
        self._lock = lock_partial(path)
        try:
            self._begin(job, resume=resume, overwrite=overwrite)
        except BaseException:
            self._lock.close()
            raise

    def _begin(self, job: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
        lines = 0
        if overwrite:
            os.truncate(self.part, 0)
        if self.part.stat().st_size:
            self._check_job(job, resume)
            lines = _truncate_to_whole_lines(self.part)
        if lines:
            self._check_header()
        self.resumed = self.written = max(0, lines - bool(self._format.header))
        write_json(self._job_file, job)
        try:
            self._file = self.part.open("a", encoding="utf-8", newline="")
            if not lines and self._format.header:
                self._file.write(self._format.header + "\n")
        except OSError as error:
            raise cannot_write(self.part, error) from None

    def _check_job(self, job: dict[str, Any], resume: bool) -> None:
        if not resume:
            raise InkfastError(
                f"{self.part} holds the rows of an interrupted job. Continue with --resume, or "
                "start again with --overwrite."
            )
        if not self._job_file.exists() or read_json(self._job_file) != job:
            raise InkfastError(
                f"{self.part} was left by a job with another model, format or pages. Give the same "
                "flags, or start again with --overwrite."
            )

    def _check_header(self) -> None:
        header = f"{self._format.header}\n".encode() if self._format.header else b""
        with self.part.open("rb") as file:
            if file.read(len(header)) != header:
                raise InkfastError(
                    f"{self.part} is damaged: its first line is not {self._format.header}. "
                    "Delete it."
                )

    def iter_resumed(self) -> Iterator[tuple[str, str]]:
        """Parse the resumed lines one by one; see `ResultWriter.iter_resumed`."""
        with self.part.open("rb") as file:
            for number, line in enumerate(file, start=0 if self._format.header else 1):
                if number > self.resumed:
                    return
                if number:
                    yield self._parse(line, number)

    def _parse(self, line: bytes, number: int) -> tuple[str, str]:
        try:
            return self._format.parse_line(line.decode().removesuffix("\n"))
        except (ValueError, KeyError, TypeError, RecursionError, csv.Error):
            raise InkfastError(
                f"{self.part} is damaged: row {number} cannot be parsed. Delete it."
            ) from None

    def write(self, row: InputResult) -> None:
        """Append a row."""
        try:
            self._file.write(self._format.format_line(row, self.written + 1) + "\n")
        except OSError as error:
            raise cannot_write(self.part, error) from None
        self.written += 1

    def finish(self) -> None:
        """Rename the file to its final name."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self.part, self.path)
            self._job_file.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._lock.close()

    def abort(self) -> None:
        """Keep the part, so that the job can be resumed; delete it if it has no row."""
        with suppress(OSError):  # a full disk, already reported
            self._file.close()
        if not self.written:
            self.part.unlink(missing_ok=True)
            self._job_file.unlink(missing_ok=True)
        self._lock.close()


def _truncate_to_whole_lines(part: Path) -> int:
    """Cut off the incomplete last line, and return how many lines are left."""
    lines = whole = 0
    with part.open("r+b") as file:
        while block := file.read(_READ_BYTES):
            lines += block.count(b"\n")
            if b"\n" in block:
                whole = file.tell() - len(block) + block.rindex(b"\n") + 1
        file.truncate(whole)
    return lines


class ParquetFileWriter(ResultWriter):
    """Writes rows to a Parquet file; an interrupted job cannot be resumed.

    Args:
        path: Name of the complete file.

    Raises:
        InkfastError: If another job is writing the file, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self.path = path
        self.part: Path = partial_path(path)
        self._rows: list[dict[str, Any]] = []
        self._schema = parquet_schema(DIGIT_COLUMNS)
        self._lock = lock_partial(path)
        try:
            self._file = parquet.ParquetWriter(self.part, self._schema)
        except OSError as error:
            self._lock.close()
            raise cannot_write(self.part, error) from None

    def write(self, row: InputResult) -> None:
        """Append a row."""
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
        """Rename the file to its final name."""
        self._flush()
        try:
            self._file.close()
            os.replace(self.part, self.path)
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._lock.close()

    def abort(self) -> None:
        """Delete the part."""
        with suppress(OSError):
            self._file.close()
        self.part.unlink(missing_ok=True)
        self._lock.close()


def parquet_schema(columns: Sequence[str]) -> Any:
    """Return the pyarrow schema of some columns."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    return pa.schema([(name, types[COLUMNS[name].kind]) for name in columns])


def check_same_sources(inputs: Iterable[InputItem], resumed: Iterator[str]) -> Iterator[InputItem]:
    """Yield the inputs; the first of them must be those of the resumed rows.

    Args:
        inputs: Input images of the whole job.
        resumed: Source of each resumed row; "" if the format lacks it.

    Raises:
        InkfastError: If the inputs are others, or fewer than the resumed rows.
    """
    number = 0
    for number, one in enumerate(inputs, start=1):
        source = one_line(one.source)
        before = next(resumed, "")
        if before not in ("", source):
            raise InkfastError(
                f"the interrupted job read other images: its row {number} is {before}, and now "
                f"it would be {source}. Give the same images."
            )
        yield one
    if next(resumed, None) is not None:
        raise InkfastError(
            f"the interrupted job read more images than the {number:,} given. Give the same images."
        )
