"""Read a page of numbers: a network finds regions, another one reads the strip of each.

A page that lies on its side or upside down is turned first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from inkfast.imaging.opening import LoadedImage
from inkfast.inference.decoding import NOT_EXPECTED
from inkfast.inference.finder import FoundRegions, NumberFinder, shipped_finder
from inkfast.inference.number_reader import NumberReader, SeenStrip
from inkfast.inference.numbers import GAP, NumberReading
from inkfast.inference.page_lines import group_lines, join_to_count, split_at_gaps
from inkfast.inference.page_result import Page, PageNumber
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.regions import Region, clip_box, cut_strip, strip_share_to_region, whole_page

_ROTATIONS = {
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}  # by degrees clockwise; Pillow counts the other way
# Other turns are tried if the numbers read with a mean confidence below `_CONFIDENT` or have fewer
# than `_SHORT` characters on average: lines of a page on its side fall apart. One is taken if its
# evidence is `_BETTER` times as much and has a character that is not `_TURNABLE`, as 0869 and 6980
# are. Of 250 images (cheques, photographs, composed numbers) 2 that were upright were turned, and
# 71 % of those on their side or upside down were turned back. With 1.5 for 2, it was 4 and 74 %.
_CONFIDENT, _SHORT, _BETTER, _TURNABLE = 0.7, 2, 2, frozenset("01689.-+=:")
# A page is also read as a whole if its only line covers such a share of it, or if it is that small
# and no number was found. From `_FILLED` on the whole counts alone: of 244 cheques cut like
# that, 88 % were read right as a whole and 82 % by the region that was found on them.
_CUT_SHARE, _FILLED, _SMALL = 0.3, 0.5, 300
_TRIED_REGIONS = 12  # regions that are read to judge a turn


def read_number_page(
    image: LoadedImage,
    reader: NumberReader,
    options: ReadOptions = NOTHING_KNOWN,
    finder: NumberFinder | None = None,
) -> Page:
    """Find the numbers of an image and read them.

    Args:
        image: Image of any size; see `inkfast.inference.page.open_page`.
        reader: Reader of numbers.
        options: What is known about the numbers beforehand.
        finder: Finder of numbers; the shipped one by default.

    Returns:
        The numbers line by line; none if nothing looks like a number.
    """
    grey = Image.fromarray(np.rint(255 * image.grey).astype(np.uint8))
    page_reader = PageReader(reader, options, finder or shipped_finder())
    view = page_reader.look(grey)
    size = image.size if view.turned % 180 == 0 else image.size[::-1]
    return page_reader.arrange(view, size)


@dataclass(frozen=True)
class PageView:
    """A page, turned, with what was found on it.

    Attributes:
        grey: The turned page, mode L.
        turned: Degrees clockwise by which it was turned.
        found: Regions in its pixels.
        seen: Strips of the first of the regions of numbers, or of all.
        readings: Their readings without an expectation.
    """

    grey: Image.Image
    turned: int
    found: FoundRegions
    seen: list[SeenStrip]
    readings: list[NumberReading]

    @property
    def characters(self) -> int:
        """Number of characters read."""
        return sum(len(one.text) for one in self.readings)

    @property
    def is_telling(self) -> bool:
        """Whether a character was read that looks different upside down."""
        return any(text not in _TURNABLE for one in self.readings for text in one.text)

    @property
    def evidence(self) -> float:
        """How much speaks for the turn: long numbers, read with confidence."""
        return sum(one.confidence * sum(map(str.isdigit, one.text)) ** 2 for one in self.readings)

    @property
    def is_doubtful(self) -> bool:
        """Whether the numbers may stand in another direction."""
        short = self.characters < _SHORT * len(self.readings)
        return short or self.confidence < _CONFIDENT

    @property
    def confidence(self) -> float:
        """Mean confidence of the readings, weighted by their characters; 0 if there are none."""
        weighted = sum(one.confidence * len(one.text) for one in self.readings)
        return weighted / max(1, self.characters)


@dataclass(frozen=True)
class PageReader:
    """Finds numbers and reads them.

    Args:
        reader: Reader of numbers.
        options: What is known about the numbers beforehand.
        finder: Finder of numbers.
    """

    reader: NumberReader
    options: ReadOptions
    finder: NumberFinder

    def look(self, grey: Image.Image) -> PageView:
        """Return a page as it is, or turned if its numbers read much better then."""
        upright = self._or_whole(self._view(grey, 0, None))
        nothing = not (upright.found.numbers or upright.found.others)
        if nothing or not upright.is_doubtful:
            return upright
        turned = [self._view(grey, turn, _TRIED_REGIONS) for turn in _ROTATIONS]
        best = max(turned, key=lambda view: view.evidence)
        if not best.is_telling or best.evidence <= _BETTER * upright.evidence:
            return upright
        seen, readings = self._read(best.grey, best.found.numbers[_TRIED_REGIONS:])
        return replace(best, seen=best.seen + seen, readings=best.readings + readings)

    def _or_whole(self, view: PageView) -> PageView:
        """Return a view, or the whole page as one number if that reads better.

        A page that is cut to one number may lack the paper by which its ends are found.
        """
        if len(group_lines(view.found.numbers)) > 1:
            return view
        width, height = view.grey.size
        share = sum(one.width * one.height for one in view.found.numbers) / (width * height)
        if share < _CUT_SHARE and (view.found.numbers or max(width, height) > _SMALL):
            return view
        whole = whole_page(view.grey.size)
        seen, readings = self._read(view.grey, [whole])
        better = share >= _FILLED or readings[0].confidence > view.confidence
        if not better or not any(map(str.isdigit, readings[0].text)):
            return view
        return replace(view, found=FoundRegions([whole], []), seen=seen, readings=readings)

    def _view(self, grey: Image.Image, turn: int, most: int | None) -> PageView:
        """Return a page turned by some degrees; at most so many of its regions are read."""
        turned = grey.transpose(_ROTATIONS[turn]) if turn else grey
        found = self.finder.find(turned)
        return PageView(turned, turn, found, *self._read(turned, found.numbers[:most]))

    def _read(
        self, grey: Image.Image, regions: Sequence[Region]
    ) -> tuple[list[SeenStrip], list[NumberReading]]:
        """Return the strips of regions, and their readings without an expectation.

        An expectation would make numbers of what lies on its side.
        """
        seen = self.reader.see([cut_strip(grey, region) for region in regions])
        return seen, self.reader.decode(seen, digits_only=self.options.digits_only)

    def _expected(self, seen: list[SeenStrip]) -> list[NumberReading]:
        """Return the readings of strips by all that is known of them.

        A strip that does not look like the expectation has the reading without it, unsure.
        """
        options = self.options
        readings = self.reader.decode(
            seen, digits_only=options.digits_only, gaps=options.per_line is None
        )
        if options.expectation is None:
            return readings
        expected = self.reader.decode(
            seen, expect=options.expectation, digits_only=options.digits_only
        )
        return [
            options.check(free) if one.unsure == NOT_EXPECTED else one
            for one, free in zip(expected, readings, strict=True)
        ]

    def arrange(self, view: PageView, size: tuple[int, int]) -> Page:
        """Put the numbers of a page in lines.

        Args:
            view: The page.
            size: Width and height of the turned image in the file, in pixels.
        """
        scale = size[0] / view.grey.width
        seen = dict(zip(view.found.numbers, view.seen, strict=True))
        free = dict(zip(view.found.numbers, self.reader.decode(view.seen), strict=True))
        lines = [
            self._numbers_of([view.found.numbers[i] for i in line], free)
            for line in group_lines(view.found.numbers)
        ]
        regions = [region for line in lines for region in line]
        fresh = [region for region in regions if region not in seen]
        seen |= dict(zip(fresh, self._read(view.grey, fresh)[0], strict=True))
        known = dict(zip(regions, self._expected([seen[one] for one in regions]), strict=True))
        numbers: list[PageNumber] = []
        marks = [clip_box(region.scaled(scale).box, size) for region in view.found.others]
        line_number = 0
        for line in lines:
            shown = [region for region in line if any(map(str.isdigit, known[region].text))]
            marks += [
                clip_box(region.scaled(scale).box, size) for region in line if region not in shown
            ]
            line_number += bool(shown)
            for region in shown:
                reading = self.options.check_line(_on_region(known[region], region), len(shown))
                strip = cut_strip(view.grey, region)
                box = clip_box(region.scaled(scale).box, size)
                slope = math.degrees(region.angle)
                numbers.append(
                    PageNumber(box, line_number, len(numbers) + 1, reading, strip, slope)
                )
        return Page(size, tuple(numbers), marks=tuple(marks), turned=view.turned, scale=scale)

    def _numbers_of(
        self, line: Sequence[Region], free: dict[Region, NumberReading]
    ) -> list[Region]:
        """Return the region of each number of a line, by its gaps and by what is known of it.

        Args:
            line: Regions of the line from left to right.
            free: Their readings as if nothing were known of them, gaps included.
        """
        parts = [part for region in line for part in self._parts(region, free[region])]
        if self.options.per_line is None:
            return parts
        return join_to_count(parts, self.options.per_line)

    def _parts(self, region: Region, reading: NumberReading) -> list[Region]:
        """Return the numbers of a region: apart at gaps, unless it is expected without them."""
        apart = reading.text.split()
        expected = self.options.expectation
        if expected is not None and expected.accepts("".join(apart)):
            apart = apart if all(map(expected.accepts, apart)) else []
        return split_at_gaps(region, reading) if len(apart) > 1 else [region]


def _on_region(reading: NumberReading, region: Region) -> NumberReading:
    """Return a reading without gaps, its places as shares of the region instead of the strip."""
    kept = [one for one in reading.characters if one.text != GAP]
    characters = tuple(
        replace(one, start=_share(region, one.start), end=_share(region, one.end)) for one in kept
    )
    runner_up = reading.runner_up.replace(GAP, "")
    return replace(
        reading, text=reading.text.replace(GAP, ""), runner_up=runner_up, characters=characters
    )


def _share(region: Region, share: float) -> float:
    return min(1.0, max(0.0, strip_share_to_region(region, share)))
