"""Columns of results: one name and one meaning, in files, HTTP and Python alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of results, which is also a key in JSON.

    Attributes:
        kind: Type of its values.
        meaning: What it holds, as docs/reading.md says it.
    """

    kind: type[str] | type[int] | type[float]
    meaning: str


COLUMNS = {
    "file": Column(str, "path of the input as given; `TABLE#ROW` in a table, rows counted from 1"),
    "page": Column(int, "page of the file, from 1"),
    "line": Column(int, "line of the page, from 1"),
    "number": Column(int, "number on the page in reading order, from 1"),
    "character": Column(int, "character of the number, from 1"),
    "text": Column(
        str,
        "the most probable text of the number or character, **even if `unsure` is set**; a `?` in "
        "it is a sign that the reader does not know, such as a letter",
    ),
    "digit": Column(int, "the most probable digit, **even if `unsure` is set**; empty without ink"),
    "confidence": Column(
        float,
        "calibrated probability that `text` or `digit` is right; empty from a network that gives "
        "none",
    ),
    "runner_up": Column(int, "the second most probable digit"),
    "runner_up_text": Column(str, "the second most probable text of the number"),
    "runner_up_confidence": Column(float, "calibrated probability that the second one is right"),
    "unsure": Column(
        str, "why the answer should not be relied on; empty if it can. Check it first"
    ),
    "error": Column(str, "why the input could not be read; empty if it could"),
    "left": Column(int, "left edge of the box, in pixels of the upright image"),
    "top": Column(int, "top edge of the box, likewise"),
    "width": Column(int, "width of the box, likewise"),
    "height": Column(int, "height of the box, likewise"),
    "slope": Column(
        float, "degrees by which the line of writing falls to the right; negative if it rises"
    ),
    "turned": Column(
        int,
        "degrees clockwise by which the image was turned to be upright, after its EXIF orientation",
    ),
}
_WHERE = ("left", "top", "width", "height", "slope", "turned")
NUMBER_COLUMNS = (
    "file",
    "page",
    "line",
    "number",
    "text",
    "confidence",
    "runner_up_text",
    "runner_up_confidence",
    "unsure",
    *_WHERE,
    "error",
)
CHARACTER_COLUMNS = (
    "file", "page", "line", "number", "character", "text", "confidence", "unsure", *_WHERE, "error",
)  # fmt: skip
DIGIT_COLUMNS = (
    "file", "page", "digit", "confidence", "runner_up", "runner_up_confidence", "unsure", "error",
)  # fmt: skip
DECIMALS = 6  # of every probability, so that one above a threshold stays above it
