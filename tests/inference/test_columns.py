"""Columns have one name and one meaning: in the documents, in rows and in schemas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inkfast.inference.columns import CHARACTER_COLUMNS, COLUMNS, DIGIT_COLUMNS, NUMBER_COLUMNS
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.page_result import Page, PageNumber, mark_unsure
from inkfast.inference.results import InputResult

DOCUMENT = (Path(__file__).parents[2] / "docs" / "reading.md").read_text(encoding="utf-8")


def reading(text: str, unsure: str = "", doubtful: int | None = None) -> NumberReading:
    """Return a reading whose characters have equal widths, one of them unsure."""
    n = max(1, len(text))
    characters = tuple(
        Character(one, 0.9 - 0.1 * place, place / n, (place + 1) / n, "faint" * (place == doubtful))
        for place, one in enumerate(text)
    )
    return NumberReading(text, 0.123456789, "8", 0.1, characters, unsure)


def number(of: NumberReading, line: int = 1, place: int = 1) -> PageNumber:
    return PageNumber((10, 20, 90, 30), line, place, of, np.zeros((28, 28), np.uint8))


def test_the_table_in_the_documents_is_the_tables_of_the_code():
    """docs/reading.md has one row per column, in order, with the meaning that the code states."""
    rows = "".join(f"| `{name}` | {column.meaning} |\n" for name, column in COLUMNS.items())
    assert f"| column | meaning |\n|---|---|\n{rows}\n" in DOCUMENT
    for columns in (NUMBER_COLUMNS, DIGIT_COLUMNS):
        assert ", ".join(f"`{name}`" for name in columns) in " ".join(DOCUMENT.split())


def test_rows_have_these_columns_in_this_order():
    """A number, a character and an image of one digit have the documented columns, with their types."""
    page = Page((200, 100), (number(reading("12.5")), number(reading("7"), 2, 2)))
    numbers, characters = page.rows("a.png"), page.rows("a.png", each="character")
    assert [tuple(row) for row in numbers] == [NUMBER_COLUMNS] * 2
    assert [tuple(row) for row in characters] == [CHARACTER_COLUMNS] * 5
    assert tuple(InputResult("a.png").values()) == DIGIT_COLUMNS
    for row in (*numbers, *characters):
        assert {name: type(value) for name, value in row.items()} == {
            name: COLUMNS[name].kind for name in row
        }
    assert numbers[1] == {
        "file": "a.png", "page": 1, "line": 2, "number": 2, "text": "7", "confidence": 0.123457,
        "runner_up_text": "8", "runner_up_confidence": 0.1, "unsure": "",
        "left": 10, "top": 20, "width": 90, "height": 30, "slope": 0.0, "turned": 0,
        "error": "",
    }  # fmt: skip


def test_characters_share_the_box_of_their_number():
    """Boxes of characters follow their places along the number, and have its top and height."""
    assert number(reading("123")).character_boxes == [
        (10, 20, 30, 30), (40, 20, 30, 30), (70, 20, 30, 30),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (reading("407"), "407"),
        (reading("407", "it may be 401", doubtful=1), "4?7"),
        (reading("407", "expected 4 digits, found 3"), "40?"),
        (reading("", "nothing was read"), "?"),
    ],
)
def test_an_unsure_number_shows_a_question_mark(given, shown):
    """Unsure characters show `?`; in an unsure number at least the least confident one does."""
    assert mark_unsure(given) == shown
    assert Page((200, 100), (number(given),)).lines == [[shown]]
    assert number(given).text == given.text
