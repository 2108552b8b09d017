"""What a review shows: answers in the order in which they are checked, and the images of each."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from inkfast.core.errors import InkfastError
from inkfast.core.intervals import wilson_interval
from inkfast.imaging.opening import encode_png
from inkfast.inference.answer_images import AnswerImages
from inkfast.inference.answers_table import AnswerRow, AnswersTable
from inkfast.inference.corrections import name_of
from inkfast.inference.corrections_file import CorrectionsFile
from inkfast.inference.numbers import ALPHABET

ORDERS = ("least-sure", "random")
_JPEG_QUALITY = 85  # Pillow's own is 75; strokes are thin
_SEED = 0  # of the random order, which must be the same when a review goes on later


def review_order(table: AnswersTable, order: str) -> list[int]:
    """Return the rows of the answers, from 1, in the order in which they are checked.

    Args:
        table: The answers; rows of failed and empty pages are left out.
        order: ``least-sure`` for unsure answers and then the others, the least confident first;
            ``random`` for the answers that are not unsure in random order and then the others, so
            that any first part tells the error rate of them all.
    """
    rows = [place for place, row in enumerate(table.rows, start=1) if table.has_answer(row)]
    by_confidence = sorted(rows, key=lambda place: _confidence(table.rows[place - 1]) or 0.0)
    unsure = [place for place in by_confidence if table.rows[place - 1]["unsure"]]
    sure = [place for place in by_confidence if not table.rows[place - 1]["unsure"]]
    if order == "random":
        shuffled = np.random.default_rng(_SEED).permutation(sorted(sure)).tolist()
        return [*shuffled, *unsure]
    return [*unsure, *sure]


def _confidence(row: AnswerRow, name: str = "confidence") -> float | None:
    try:
        return float(row.get(name, ""))
    except ValueError:
        return None


@dataclass(frozen=True)
class ReviewTotals:
    """What was found so far.

    Attributes:
        answers: Number of answers.
        checked: Number of those that were checked.
        wrong: Number of those that were wrong.
        sure: Number of checked answers that were not unsure.
        sure_wrong: Number of those that were wrong.
    """

    answers: int
    checked: int
    wrong: int
    sure: int
    sure_wrong: int

    def sentence(self) -> str:
        """Return the totals for people, with the 95 % interval of the error rate."""
        counts = f"{self.checked:,} of {self.answers:,} answers checked, {self.wrong:,} wrong"
        if not self.sure:
            return counts
        share = self.sure_wrong / self.sure
        low, high = wilson_interval(share, self.sure)
        return (
            f"{counts}; wrong among the sure: {self.sure_wrong:,} of {self.sure:,}, "
            f"{100 * share:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f} %)"
        )


class Review:
    """A review of answers.

    Attributes:
        file: The answers and their corrections.
        rows: Rows that are shown, in order.
        order: See `review_order`.
        by: Who reviews.
        faults: Why images could not be shown so far.

    Args:
        file: The answers and their corrections.
        order: See `review_order`.
        limit: Largest number of rows that are shown; None for all.
        by: Who reviews.

    Raises:
        InkfastError: If nothing was read.
    """

    def __init__(
        self, file: CorrectionsFile, order: str, limit: int | None, by: str
    ) -> None:  # fmt: skip
        self.file, self.order, self.by = file, order, by
        self.rows: Sequence[int] = review_order(file.table, order)[:limit]
        if not self.rows:
            raise InkfastError(
                f"{file.table.path}: expected answers, got none: nothing was read on these images."
            )
        self._images = AnswerImages(file.table.path.parent)
        self._saving = Lock()
        self.faults: list[str] = []

    def card(self) -> dict[str, Any]:
        """Return what a page must know of the review, as JSON."""
        path = self.file.table.path
        return {
            "name": path.name, "stem": path.stem, "what": self.file.table.what,
            "alphabet": ALPHABET, "order": self.order, "by": self.by,
            "kept": f"The corrections are in {self.file.path.name}.",
            "items": [self._item(row) for row in self.rows],
        }  # fmt: skip

    def _item(self, place: int) -> dict[str, Any]:
        row, said = self.file.table.rows[place - 1], self.file.corrections.get(place)
        return {
            "row": place, "name": name_of(row), "answer": row[self.file.table.answer],
            "confidence": _confidence(row), "unsure": row["unsure"],
            "runner_up": row.get("runner_up_text") or row.get("runner_up") or "",
            "runner_up_confidence": _confidence(row, "runner_up_confidence"),
            "corrected": said.corrected if said else "",
            "said": [said.corrected, said.by, said.at] if said else ["", "", ""],
        }  # fmt: skip

    def look(self, place: int) -> dict[str, Any]:
        """Return the images of a row as data URIs, or why they cannot be shown."""
        try:
            image = self._images.of(self.file.table.rows[place - 1])
        except InkfastError as error:
            self.faults.append(str(error))
            return {"error": str(error)}
        jpeg = io.BytesIO()
        image.cut.save(jpeg, "JPEG", quality=_JPEG_QUALITY)
        return {
            "cut": _data_uri("jpeg", jpeg.getvalue()), "size": image.cut.size, "box": image.box,
            "seen": _data_uri("png", encode_png(image.seen)),
        }  # fmt: skip

    def correct(self, place: int, text: str, was: str) -> None:
        """Save a correction; see `CorrectionsFile.set`."""
        with self._saving:
            self.file.set(place, text, self.by, was=was)

    def totals(self) -> ReviewTotals:
        """Return what was found so far."""
        table, found = self.file.table, list(self.file.corrections.values())
        sure = [one for one in found if one.is_sure]
        return ReviewTotals(
            sum(map(table.has_answer, table.rows)),
            len(found),
            sum(one.is_wrong for one in found),
            len(sure),
            sum(one.is_wrong for one in sure),
        )


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
