"""`ReadOptions`: what is known beforehand about the numbers of a page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from inkfast.core.errors import check_number
from inkfast.inference.decoding import NOT_EXPECTED
from inkfast.inference.expectation import Expectation, build_expectation
from inkfast.inference.numbers import GAP, NumberReading


@dataclass(frozen=True)
class ReadOptions:
    """What is known beforehand about the numbers of a page.

    Attributes:
        per_line: Count of numbers in every line, from 1; None if it is not known.
        expect: Regular expression that every number matches, or None.
        digits: Count of digits in every number, from 1; None if it is not known.
        digits_only: Whether all characters but digits are left out of the numbers.
        expectation: The texts that `expect` or `digits` allows; None for all.

    Raises:
        InkfastError: If a count is not a whole number from 1, the expression cannot be used, or
            both `expect` and `digits` are given.
    """

    per_line: int | None = None
    expect: str | None = None
    digits: int | None = None
    digits_only: bool = False
    expectation: Expectation | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.per_line is not None:
            check_number("per_line", self.per_line, low=1, whole=True)
        expectation = build_expectation(self.expect, self.digits, digits_only=self.digits_only)
        object.__setattr__(self, "expectation", expectation)

    def check(self, reading: NumberReading) -> NumberReading:
        """Return a reading that took no expectation into account, unsure if it is not expected.

        What is not expected cannot be right, so its confidence is 0.
        """
        text = reading.text.replace(GAP, "")
        if self.expectation is None or self.expectation.accepts(text):
            return reading
        reason = NOT_EXPECTED
        if self.digits is not None:
            reason = f"expected {self.digits} digits, found {sum(map(str.isdigit, text))}"
        return replace(reading, confidence=0.0, unsure=reason)

    def check_line(self, reading: NumberReading, found: int) -> NumberReading:
        """Return a reading, unsure if its line has fewer numbers than it should have."""
        if self.per_line is None or found >= self.per_line or reading.unsure:
            return reading
        reason = f"expected {self.per_line} numbers in this line, found {found}"
        return replace(reading, unsure=reason)


NOTHING_KNOWN = ReadOptions()
