"""Corrections: what a person says is written where `read` or `predict` gave an answer.

They are columns of a CSV file of answers. Those of JSON lines and Parquet are a CSV beside it,
`X.corrections.csv`, which has the corrected rows of the answers and the place of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inkfast.core.errors import InkfastError, short_repr
from inkfast.inference.answers_table import ANSWERS_OF, AnswerRow, AnswersTable, load_answers
from inkfast.inference.numbers import ALPHABET, DIGITS
from inkfast.inference.page_result import PixelBox

CORRECTED, CORRECTED_BY, CORRECTED_AT = CORRECTION_COLUMNS = (
    "corrected",
    "corrected_by",
    "corrected_at",
)
NOTHING = "none"  # in the column `corrected`: there is no number, or no digit
ROW = "row"  # column of a file of corrections: row of the answers, from 1
KEY_COLUMNS = ("file", "page", "number", "character")
_SAME = (*KEY_COLUMNS, "text", "digit", "left", "top", "width", "height")
_MAX_TEXT = 100  # characters of a number; a limit against pasted texts, chosen


@dataclass(frozen=True)
class Correction:
    """An answer that a person checked.

    Attributes:
        row: Row of the answers, from 1.
        values: The row itself, every value as text.
        what: ``number`` or ``digit``.
        corrected: The right text, or `NOTHING`.
        by: Who checked it; "" if that is not known.
        at: When, in ISO 8601; "" if that is not known.
    """

    row: int
    values: AnswerRow
    what: str
    corrected: str
    by: str = ""
    at: str = ""

    @property
    def text(self) -> str:
        """The right text; "" if there is no number or no digit."""
        return "" if self.corrected == NOTHING else self.corrected

    @property
    def answer(self) -> str:
        """What was read; "" if nothing was."""
        return next(self.values[name] for name in ANSWERS_OF if name in self.values)

    @property
    def is_wrong(self) -> bool:
        """Whether something else was read."""
        return self.answer != self.text

    @property
    def is_sure(self) -> bool:
        """Whether the answer was given without being marked unsure."""
        return not self.values["unsure"]

    @property
    def file(self) -> str:
        """Path of the image as it was given."""
        return self.values["file"]

    @property
    def page(self) -> int:
        """Page of the file, from 1."""
        return page_of(self.values)

    @property
    def box(self) -> PixelBox | None:
        """Left, top, width and height in pixels of the turned page; None for a whole image."""
        return box_of(self.values)

    @property
    def turned(self) -> int:
        """Degrees clockwise by which the upright page was turned: 0, 90, 180 or 270."""
        return turn_of(self.values)

    @property
    def slope(self) -> float:
        """Degrees by which the line of writing falls to the right."""
        return slope_of(self.values)


def box_of(values: AnswerRow) -> PixelBox | None:
    """Return the box of a row; None if the answer is about the whole image."""
    if not values.get("width"):
        return None
    left, top, width, height = (
        _to_int(values, name, 0) for name in ("left", "top", "width", "height")
    )
    return left, top, width, height


def page_of(values: AnswerRow) -> int:
    """Return the column `page` of a row, from 1."""
    return _to_int(values, "page", 1)


def turn_of(values: AnswerRow) -> int:
    """Return the column `turned` of a row; 0 if it lacks it."""
    return _to_int(values, "turned", 0)


def slope_of(values: AnswerRow) -> float:
    """Return the column `slope` of a row; 0 if it lacks it."""
    try:
        return float(values.get("slope") or 0)
    except ValueError:
        raise InkfastError(
            f"column slope: expected numbers, got {short_repr(values['slope'])}."
        ) from None


def _to_int(values: AnswerRow, name: str, otherwise: int) -> int:
    try:
        return int(values.get(name) or otherwise)
    except ValueError:
        raise InkfastError(
            f"column {name}: expected whole numbers, got {short_repr(values[name])}."
        ) from None


def check_corrected(text: str, what: str) -> str:
    """Return a corrected text as it is stored.

    Args:
        text: What was typed; "" for a row that is not checked.
        what: ``number`` or ``digit``.

    Raises:
        InkfastError: If it is no number, or no digit.
    """
    text = text.strip()
    if not text or text.lower() == NOTHING:
        return text.lower()
    if what == "digit":
        if len(text) == 1 and text in DIGITS:
            return text
        raise InkfastError(f"expected a digit from 0 to 9, or {NOTHING}, got {short_repr(text)}.")
    if len(text) > _MAX_TEXT or not set(text) <= set(ALPHABET):
        raise InkfastError(
            f"expected a number of at most {_MAX_TEXT} characters of {ALPHABET.strip()}, or "
            f"{NOTHING}, got {short_repr(text)}."
        )
    return text


def corrections_path(answers: Path) -> Path:
    """Return the file in which corrections of a table of answers are stored."""
    if answers.suffix.lower() == ".csv":
        return answers
    return answers.with_name(f"{answers.stem}.corrections.csv")


def load_corrections(path: Path, *more: Path) -> list[Correction]:
    """Read what people corrected.

    Args:
        path: Answers that were corrected (`X.csv`, `X.jsonl` or `X.parquet`), or a file of
            corrections (`X.corrections.csv`), such as a static page gives.
        more: Further files, such as those of other people.

    Returns:
        Corrections in the order of the files and their rows; at least one.

    Raises:
        InkfastError: If a file cannot be used, has corrections of other answers or a text that is
            no number, nothing is corrected, or two corrections of one answer differ.
    """
    found = [one for each in (path, *more) for one in _corrections_at(each)]
    if not found:
        raise InkfastError(
            f"{path}: expected corrected answers, got none. Correct some: inkfast review {path}"
        )
    check_agreement(found, str(path) if not more else "the files")
    return found


def _corrections_at(path: Path) -> list[Correction]:
    table = load_answers(path)
    stored = corrections_path(path)
    if stored == path:
        return corrections_in(table)
    return matching_corrections(table, load_answers(stored)) if stored.exists() else []


def corrections_in(table: AnswersTable) -> list[Correction]:
    """Return the corrections in a CSV file.

    Raises:
        InkfastError: If a text is no number or no digit.
    """
    if CORRECTED not in table.columns:
        return []
    found = []
    for place, row in enumerate(table.rows, start=1):
        try:
            corrected = check_corrected(row[CORRECTED], table.what)
            number = _to_int(row, ROW, place)
        except InkfastError as error:
            raise InkfastError(f"{table.path}: row {place}: {error}") from None
        if corrected:
            by, at = row.get(CORRECTED_BY, ""), row.get(CORRECTED_AT, "")
            values = {name: row[name] for name in row if name not in (*CORRECTION_COLUMNS, ROW)}
            found.append(Correction(number, values, table.what, corrected, by, at))
    return found


def matching_corrections(answers: AnswersTable, stored: AnswersTable) -> list[Correction]:
    """Return the corrections in a file, which must be of these answers.

    Raises:
        InkfastError: If they are corrections of other answers, or see `corrections_in`.
    """
    found = corrections_in(stored)
    for one in found:
        row = answers.rows[one.row - 1] if 0 < one.row <= len(answers.rows) else {}
        if any(row.get(name, "") != one.values.get(name, "") for name in _SAME):
            raise InkfastError(
                f"{stored.path} has corrections of other answers than {answers.path}: "
                f"{name_of(one.values)} is not its row {one.row}. Give the answers that were "
                "corrected."
            )
    return found


def name_of(values: AnswerRow) -> str:
    """Return the name of an answer in messages: its file, page and number."""
    rest = [f"{name} {values[name]}" for name in KEY_COLUMNS[1:] if values.get(name)]
    return ", ".join([values["file"], *rest])


def check_agreement(corrections: Iterable[Correction], where: str) -> None:
    """Check that no two corrections of one answer differ.

    Args:
        corrections: What people said.
        where: Where the corrections stand, for the message.

    Raises:
        InkfastError: If two differ.
    """
    known: dict[tuple[str, ...], Correction] = {}
    for one in corrections:
        first = known.setdefault(_key(one.values), one)
        if first.corrected != one.corrected:
            raise InkfastError(
                f"{where}: {name_of(one.values)} is {first.corrected} for {first.by or 'one'} "
                f"and {one.corrected} for {one.by or 'another'}. Decide, and empty `{CORRECTED}` "
                "of the wrong one."
            )


def _key(values: AnswerRow, names: Sequence[str] = _SAME) -> tuple[str, ...]:
    return tuple(values.get(name, "") for name in names)
