"""`CorrectionsFile`: answers that are being corrected; every correction is saved at once.

The file is written whole or not at all, and never over what somebody else wrote meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from inkfast.core.errors import InkfastError
from inkfast.core.io import open_locked, read_file, sha256, write_bytes
from inkfast.inference.answers_table import (
    BOM,
    AnswersTable,
    csv_line,
    load_answers,
    parse_answers,
)
from inkfast.inference.corrections import (
    CORRECTION_COLUMNS,
    ROW,
    Correction,
    check_agreement,
    check_corrected,
    corrections_in,
    corrections_path,
    matching_corrections,
    name_of,
)


class CorrectionsFile:
    """Answers and their corrections; a context, outside which others may open the file.

    Attributes:
        table: The answers.
        path: File that holds the corrections: the answers themselves if they are a CSV file.
        corrections: Corrections by row, from 1.

    Args:
        answers: File of answers, see `inkfast.inference.answers_table.load_answers`.

    Raises:
        InkfastError: If a file cannot be used, or another review has it open.
    """

    def __init__(self, answers: Path) -> None:
        if not answers.is_file():
            raise InkfastError(f"{answers}: there is no such file. Check its path.")
        self.path = corrections_path(answers).resolve()
        self._in_place = self.path == answers.resolve()
        self._lock_path = self.path.with_name(f".{self.path.name}.lock")
        self._lock: IO[bytes] = open_locked(
            self._lock_path, f"another review of {answers} is open. Go on there, or end it first."
        )
        try:
            content = read_file(answers)
            self.table = parse_answers(answers, content)
            _refuse_corrections(self.table)
            stored = content if self._in_place else self._content()
            found = self._stored(stored)
            check_agreement(found, str(self.path))
            self.corrections = {one.row: one for one in found}
            self._known = sha256(stored)
            self._start = BOM if stored.decode().startswith(BOM) else ""
            self._newline = "\r\n" if b"\r\n" in stored else "\n"
            self._columns = [one for one in self.table.columns if one not in CORRECTION_COLUMNS]
            self._lines = [
                csv_line([row[name] for name in self._columns]) for row in self.table.rows
            ]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Let others open the file."""
        with suppress(OSError):
            self._lock_path.unlink(missing_ok=True)
        self._lock.close()

    def set(self, row: int, text: str, by: str, *, was: str | None = None) -> None:
        """Correct a row, or take its correction back, and save the file.

        Args:
            row: Row of the answers, from 1.
            text: The right text, ``none``, or "" to take the correction back.
            by: Who says so.
            was: Correction that the caller knows of; None if it may be any.

        Raises:
            InkfastError: If the text is no number or no digit, the correction is not the one the
                caller knows of, or the file was changed by somebody else or cannot be written.
                Then nothing has changed.
        """
        if not 0 < row <= len(self.table.rows):
            raise InkfastError(f"expected a row from 1 to {len(self.table.rows):,}, got {row:,}.")
        corrected = check_corrected(text, self.table.what)
        before = self.corrections.get(row)
        if was is not None and was != (before.corrected if before else ""):
            raise InkfastError(
                f"{name_of(self.table.rows[row - 1])} was corrected to "
                f"{before.corrected if before else 'nothing'} on another page meanwhile. Reload "
                "this page."
            )
        changed = dict(self.corrections)
        changed.pop(row, None)
        if corrected:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            values = self.table.rows[row - 1]
            changed[row] = Correction(row, values, self.table.what, corrected, by, at)
            check_agreement(changed.values(), str(self.path))
        self._save(changed)

    def merge(self, other: Path) -> int:
        """Take over the corrections in another file, and save.

        Args:
            other: File of corrections of the same answers.

        Returns:
            Number of answers that were not corrected before.

        Raises:
            InkfastError: If they are of other answers, or differ from what is here.
        """
        found = matching_corrections(self.table, load_answers(corrections_path(other)))
        check_agreement([*self.corrections.values(), *found], f"{self.path} and {other}")
        fresh = {one.row: one for one in found if one.row not in self.corrections}
        if fresh:
            self._save(self.corrections | fresh)
        return len(fresh)

    def _content(self) -> bytes:
        """Return the content of the file; nothing if there is none."""
        return read_file(self.path) if self.path.exists() else b""

    def _stored(self, content: bytes) -> list[Correction]:
        """Return the corrections in the content of the file."""
        if self._in_place:
            return corrections_in(self.table)
        return (
            matching_corrections(self.table, parse_answers(self.path, content)) if content else []
        )

    def _save(self, corrections: dict[int, Correction]) -> None:
        """Write the file, if it still is what this object read or wrote."""
        if sha256(self._content()) != self._known:
            raise InkfastError(
                f"{self.path} was changed by another program during this review, and was not "
                "overwritten. End the review and start it again."
            )
        content = (self._start + self._newline.join([*self._csv(corrections), ""])).encode()
        write_bytes(self.path, content)
        self._known = sha256(content)
        self.corrections = corrections

    def _csv(self, corrections: dict[int, Correction]) -> Iterator[str]:
        """Yield the lines of the file: all answers, or the place and answer of corrected ones."""
        head = [*self._columns, *CORRECTION_COLUMNS]
        yield csv_line(head if self._in_place else [ROW, *head])
        for row, line in enumerate(self._lines, start=1):
            one = corrections.get(row)
            said = csv_line([one.corrected, one.by, one.at]) if one else ",,"
            if self._in_place:
                yield f"{line},{said}"
            elif one:
                yield f"{row},{line},{said}"


def _refuse_corrections(table: AnswersTable) -> None:
    if ROW in table.columns:
        raise InkfastError(
            f"{table.path} holds corrections: expected the answers that they belong to. Give "
            "these, and --merge with the corrections."
        )
