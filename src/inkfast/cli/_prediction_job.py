"""What `inkfast predict` does with each row: count it, keep its review, write it, tell of it."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from inkfast.core.io import write_bytes
from inkfast.inference.output_files import ResultWriter
from inkfast.inference.results import InputResult, one_line

_TOLD = 1000  # rows between two looks at how far it is


class PredictionJob:
    """What becomes of rows: they are counted, told of, shown for review and written.

    Args:
        output: Where they go.
        review: Folder of the unsure ones, if they are to be looked at.
        tells: Whether it tells how far it is.
    """

    def __init__(self, output: ResultWriter, review: Path | None, *, tells: bool) -> None:
        self.output, self.review, self.tells = output, review, tells
        self.counts: Counter[str] = Counter()

    def kept(self) -> Iterator[str]:
        """Yield the sources of the rows that an interrupted job left."""
        for source, state in self.output.iter_resumed():
            self.counts[state] += 1
            yield source

    def keep(self, row: InputResult) -> None:
        """Write a row, and its review before it, so that none is missing after a crash."""
        number = self.output.written + 1
        self.counts[row.state] += 1
        if self.review and row.review:
            name = re.sub(r"[^\w.-]+", "_", row.source, flags=re.ASCII)[-80:]
            write_bytes(self.review / f"{number:07d}-{name}.png", row.review)
        self.output.write(row)
        if row.error:  # after the row, which may be refused for the same reason
            warn(row.error)
        if self.tells and number % _TOLD == 0:
            sys.stdout.write(f"{number:,} read\r")
            sys.stdout.flush()

    def rest(self) -> str:
        """Return how many rows are no digits, as the end of a sentence; a review tells of none."""
        told = {word: self.counts[word] for word in ("unsure", "error")}
        return "".join(
            f", {n:,} {word}" for word, n in told.items() if n or (self.review and word == "unsure")
        )


def warn(sentence: str) -> None:
    """Print one line on stderr, if anybody listens."""
    with suppress(BrokenPipeError):  # nobody listens: no reason to end
        sys.stderr.write(f"inkfast: {one_line(sentence)}\n")
