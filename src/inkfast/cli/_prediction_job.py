"""What `inkfast predict` does with each row: count it, write its review image and the row."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from inkfast.core.io import write_bytes
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.output_files import ResultWriter
from inkfast.inference.results import InputResult, file_stem, one_line

_PROGRESS_ROWS = 1000  # rows between two lines of progress


class PredictionJob:
    """Counts the rows and writes them, with a review image for each unsure one.

    Args:
        output: Writer of the rows.
        review: Folder of the review images, or None.
        drift: Watches whether the reader's guarantee holds for the rows.
        progress: Whether to print the number of rows from time to time.
    """

    def __init__(
        self, output: ResultWriter, review: Path | None, drift: DriftMonitor, *, progress: bool
    ) -> None:
        self.output, self.review, self.progress = output, review, progress
        self.drift = drift
        self.counts: Counter[str] = Counter()

    def kept(self) -> Iterator[str]:
        """Count the rows of an interrupted job, and yield their sources."""
        for source, state in self.output.iter_resumed():
            self.counts[state] += 1
            yield source

    def keep(self, row: InputResult) -> None:
        """Write a row, and before it its review image, so that none is missing after a crash."""
        number = self.output.written + 1
        self.counts[row.state] += 1
        if self.review and row.review:
            name = file_stem(row.source)[-80:]
            write_bytes(self.review / f"{number:07d}-{name}.png", row.review)
        self.output.write(row)
        if row.prediction:
            self.drift.add_predictions([row.prediction])
        if row.error:  # after the row, whose writing may fail for the same reason
            warn(row.error)
        if self.progress and number % _PROGRESS_ROWS == 0:
            sys.stderr.write(f"{number:,} images\r")
            sys.stderr.flush()

    def rest(self) -> str:
        """Return the counts of unsure and failed rows as the end of a sentence."""
        return f", {self.counts['unsure']:,} unsure, {self.counts['error']:,} failed"


def warn(sentence: str) -> None:
    """Print one line on stderr; a broken pipe is ignored."""
    with suppress(BrokenPipeError):  # nobody reads stderr any more
        sys.stderr.write(f"inkfast: {one_line(sentence)}\n")
