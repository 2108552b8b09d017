"""Reading a page of numbers: regions read, split, joined, turned; marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from inkfast.imaging.opening import LoadedImage
from inkfast.inference.finder import FoundRegions
from inkfast.inference.number_page import read_number_page
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.regions import Region


@dataclass
class FakeFinder:
    """A finder that knows its regions by the orientation of the page."""

    numbers: list[Region]
    others: list[Region] = field(default_factory=list)
    turned: list[Region] = field(default_factory=list)

    def find(self, page: Image.Image) -> FoundRegions:
        """Return the regions of a page with a bright left upper corner, or of a turned one."""
        if page.getpixel((0, 0)) == 255:
            return FoundRegions(self.numbers, self.others)
        upside_down = page.getpixel((page.width - 1, page.height - 1)) == 255
        return FoundRegions(self.turned if upside_down else [], [])


@dataclass
class FakeReader:
    """A reader that says what it is told, one text for each strip in turn."""

    texts: list[str]
    confidences: list[float] = field(default_factory=list)
    calls: int = 0

    def see(self, strips: Sequence[np.ndarray]) -> list[int]:
        """Return the places of the next texts."""
        self.calls += len(strips)
        return list(range(self.calls - len(strips), self.calls))

    def decode(self, seen: Sequence[int], **_: object) -> list[NumberReading]:
        """Return the texts in some places."""
        found = []
        for place in seen:
            text = self.texts[place]
            sure = self.confidences[place] if self.confidences else 0.99
            places = [(k / len(text), (k + 1) / len(text)) for k in range(len(text))]
            characters = tuple(
                Character(one, sure, *ends) for one, ends in zip(text, places, strict=True)
            )
            found.append(NumberReading(text, sure, "", 0.0, characters))
        return found


def read(finder: FakeFinder, reader: FakeReader, options: ReadOptions = NOTHING_KNOWN) -> Page:
    """Read a page of 300 x 200 pixels, grey with a bright left upper corner."""
    grey = np.full((200, 300), 128, np.uint8)
    grey[0, 0] = 255
    image = LoadedImage(Image.fromarray(grey), (600, 400))
    return read_number_page(image, reader, options, finder)  # type: ignore[arg-type]


TWO = [Region(60, 50, 80, 20, 0, 0.9), Region(200, 52, 60, 20, 0, 0.9)]


def test_numbers_of_a_line():
    """Two regions beside each other are two numbers of one line, in pixels of the file."""
    page = read(FakeFinder(TWO), FakeReader(["12", "345"]))
    assert page.lines == [["12", "345"]]
    assert [number.box for number in page.numbers] == [(40, 80, 160, 40), (340, 84, 120, 40)]
    assert [number.number for number in page.numbers] == [1, 2]


def test_gap_makes_two_numbers():
    """A region with a gap in its reading is read again in two parts."""
    page = read(FakeFinder(TWO[:1]), FakeReader(["12 34", "12", "34"]))
    assert page.lines == [["12", "34"]]


def test_a_line_with_too_few_numbers_is_unsure():
    """Where a line should have more numbers than were found, those found are unsure."""
    for count, unsure in ((2, ""), (3, "expected 3 numbers in this line, found 2")):
        page = read(FakeFinder(TWO), FakeReader(["12", "345"]), ReadOptions(per_line=count))
        assert [number.unsure for number in page.numbers] == [unsure] * 2


def test_one_number_per_line():
    """With one number per line, its regions are read as one, and gaps are left out."""
    page = read(FakeFinder(TWO), FakeReader(["12", "345", "12 345"]), ReadOptions(per_line=1))
    assert page.lines == [["12345"]]
    assert page.numbers[0].box[2] > 400


def test_words_are_marks():
    """Regions without a digit in their reading, and writing that is no number, are left out."""
    word = Region(100, 150, 60, 20, 0, 0.8)
    page = read(FakeFinder(TWO, [word]), FakeReader(["12", "??"]))
    assert page.lines == [["12"]]
    assert page.left_out == 2


def test_upside_down():
    """A page that reads badly is turned if its numbers then read much better."""
    finder = FakeFinder(TWO[:1], turned=TWO)
    reader = FakeReader(["2", "123", "457"], [0.3, 0.95, 0.95])
    page = read(finder, reader)
    assert (page.turned, page.lines) == (180, [["123", "457"]])


def test_turnable_digits_stay():
    """A number that can be read both ways is not turned."""
    finder = FakeFinder(TWO[:1], turned=TWO[:1])
    page = read(finder, FakeReader(["0869", "6980"], [0.5, 0.9]))
    assert (page.turned, page.lines) == (0, [["0869"]])


def test_bare_page():
    """A page without regions has no numbers and no marks."""
    page = read(FakeFinder([]), FakeReader([""]))
    assert (page.lines, page.left_out, page.turned) == ([], 0, 0)


def test_small_page_is_read_as_a_whole():
    """A small page on which nothing was found is read as one number."""
    page = read(FakeFinder([]), FakeReader(["7"], [0.8]))
    assert page.lines == [["7"]]


def test_page_cut_to_a_number_is_read_as_a_whole_if_that_is_surer():
    """A number that covers the page keeps its region unless the whole page reads better."""
    wide = [Region(150, 100, 200, 120, 0, 0.9)]
    assert read(FakeFinder(wide), FakeReader(["12", "124"], [0.7, 0.9])).lines == [["124"]]
    assert read(FakeFinder(wide), FakeReader(["12", "124"], [0.9, 0.8])).lines == [["12"]]
    filling = [Region(150, 100, 260, 160, 0, 0.9)]
    assert read(FakeFinder(filling), FakeReader(["12", "124"], [0.9, 0.8])).lines == [["124"]]
    assert read(FakeFinder(filling), FakeReader(["12", ""], [0.9, 0.8])).lines == [["12"]]
