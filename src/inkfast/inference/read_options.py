"""`ReadOptions`: what is known beforehand about the numbers of a page."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inkfast.core.errors import check_number
from inkfast.inference.numbers import NumberReading


@dataclass(frozen=True)
class ReadOptions:
    """What is known beforehand about the numbers of a page.

    Attributes:
        per_line: Count of numbers in every line, from 1; None if it is not known.
        digits: Count of digits in every number, from 1; None if it is not known. Numbers with
            another count are unsure.

    Raises:
        InkfastError: If a count is not a whole number from 1.
    """

    per_line: int | None = None
    digits: int | None = None

    def __post_init__(self) -> None:
        for name in ("per_line", "digits"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), low=1, whole=True)

    def check(self, reading: NumberReading) -> NumberReading:
        """Return a reading, unsure if its text is not what is known of the numbers."""
        count = sum(one.text.isdigit() for one in reading.characters)
        if reading.unsure or self.digits in (None, count):
            return reading
        return replace(reading, unsure=f"expected {self.digits} digits, found {count}")


NOTHING_KNOWN = ReadOptions()
