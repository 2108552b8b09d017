"""`PageSelection`: which pages of a document are read, as `--pages 1-3,7` says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inkfast.core.errors import InkfastError, short_repr

MAX_PAGES = 500  # of a file that are read unless some are chosen; a limit on time, chosen
_RANGE = re.compile(r"\s*(\d{1,7})\s*(-?)\s*(\d{0,7})\s*")
_LAST = 10**7


@dataclass(frozen=True)
class PageSelection:
    """The pages of a file that are read.

    Attributes:
        ranges: First and last page of each range, both included, from 1; none for all pages.
        text: The selection as it was given.
        most: Largest number of pages of one file.
    """

    ranges: tuple[tuple[int, int], ...] = ()
    text: str = ""
    most: int = MAX_PAGES

    @classmethod
    def parse(cls, text: str | None, most: int = MAX_PAGES) -> PageSelection:
        """Return the selection that a text such as ``1-3,7`` or ``10-`` stands for.

        Args:
            text: Pages and ranges of pages, joined by commas; None for all pages.
            most: Largest number of pages of one file.

        Raises:
            InkfastError: If the text is something else.
        """
        if text is None:
            return cls(most=most)
        return cls(tuple(_parse_pages(part, text) for part in text.split(",")), text, most)

    def choose(self, count: int, name: str) -> list[int]:
        """Return the selected pages of a file in order.

        Args:
            count: Number of pages of the file.
            name: Name of the file in messages.

        Raises:
            InkfastError: If the file has none of the selected pages, or too many.
        """
        if not self.ranges:
            chosen = list(range(1, min(count, self.most + 1) + 1))
        else:
            spans = (range(first, min(last, count) + 1) for first, last in self.ranges)
            chosen = sorted({page for span in spans for page in span[: self.most + 1]})
        if not chosen:
            raise InkfastError(f"{self._other_pages(count, name)}.")
        if len(chosen) > self.most:
            raise InkfastError(
                f"{name}: expected at most {self.most} pages of a file, which has {count:,}. "
                f"Choose some with `pages`, such as 1-{self.most}."
            )
        return chosen

    def beyond(self, count: int, name: str) -> str:
        """Return a sentence about selected pages that a file does not have; "" if it has all.

        Args:
            count: Number of pages of the file.
            name: Name of the file in messages.
        """
        if all(last <= count or last == _LAST for _, last in self.ranges):
            return ""
        return f"{self._other_pages(count, name)}; the others are missing."

    def _other_pages(self, count: int, name: str) -> str:
        pages = "1 page" if count == 1 else f"{count:,} pages"
        return f"{name}: expected pages {self.text}, got a file of {pages}"


def _parse_pages(part: str, text: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    first = int(found[1]) if found else 0
    if found is None or (found[3] and not found[2]):
        first = 0
    last = first if found is None or not found[2] else int(found[3] or _LAST)
    if not 1 <= first <= last:
        raise InkfastError(
            f"`pages` must be pages from 1 and ranges of them, such as 1-3,7 or 10-, got "
            f"{short_repr(text)}."
        )
    return first, last


ALL_PAGES = PageSelection()
