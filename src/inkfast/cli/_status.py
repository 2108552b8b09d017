"""Progress of one command over many files, on stderr, so that results alone go to stdout."""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO

_MAX_LINES = 20  # lines of progress in a pipe
_CLEAR = "\r\x1b[K"  # to the beginning of the line, and erase it


class StatusLine:
    """One line on a terminal that shows the current file; plain lines in a pipe.

    A single file shows nothing.

    Args:
        file: Stream to write to.
        total: Number of files.
    """

    def __init__(self, file: TextIO, total: int) -> None:
        self._file, self._total, self._done = file, total, 0
        self._every = -(-total // _MAX_LINES)

    def show(self, name: str) -> None:
        """Show that the next file begins."""
        self._done += 1
        text = f"[{self._done}/{self._total}] {name}"
        if self._total < 2:
            return
        if self._file.isatty():
            self._put(_CLEAR + text)
        elif self._done % self._every == 0:
            self._put(text + "\n")

    def write(self, sentence: str) -> None:
        """Write a sentence on a line of its own, which stays."""
        self.clear()
        self._put(sentence + "\n")

    def clear(self) -> None:
        """Erase the status, before anything else is written to the terminal."""
        if self._total > 1 and self._file.isatty():
            self._put(_CLEAR)

    def _put(self, text: str) -> None:
        with suppress(BrokenPipeError):  # nobody reads stderr any more
            self._file.write(text)
            self._file.flush()


def count_of(n: int, noun: str) -> str:
    """Return a number and what it counts, e.g. ``1 file`` or ``2 files``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
