"""Lines of a page: grouping, splitting at gaps, joining to a count."""

from __future__ import annotations

import pytest

from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.page_lines import group_lines, join_to_count, split_at_gaps
from inkfast.inference.regions import Region


def region(x: float, y: float, width: float = 40, angle: float = 0) -> Region:
    """Return a region of 20 pixels height."""
    return Region(x, y, width, 20, angle, 0.9)


def test_lines_from_the_top():
    """Lines come from the top, each from left to right."""
    found = [region(200, 102), region(50, 30), region(50, 100), region(150, 35)]
    assert group_lines(found) == [[1, 3], [2, 0]]


def test_sloping_lines():
    """On a turned page, the second number of a line stays in it where it is lower than the next."""
    slope = 0.15
    found = [region(x, y + slope * x, angle=slope) for y in (50, 90) for x in (50, 250, 450)]
    assert group_lines(found) == [[0, 1, 2], [3, 4, 5]]


def test_no_region():
    """A page without regions has no lines."""
    assert group_lines([]) == []


def test_split_at_a_gap():
    """A reading with a gap between two numbers gives a region for each."""
    texts = [("1", 0.1, 0.2), ("2", 0.2, 0.3), (" ", 0.45, 0.55), ("3", 0.7, 0.8)]
    characters = tuple(Character(text, 1, start, end) for text, start, end in texts)
    reading = NumberReading("12 3", 0.9, "12", 0.1, characters)
    left, right = split_at_gaps(region(100, 50, 80), reading)
    assert left.width == right.width == pytest.approx(40)
    assert (left.x, right.x) == pytest.approx((80, 120))


def test_join_nearest():
    """Parts of a line are joined across the narrowest gaps until the count is right."""
    parts = [region(50, 50), region(100, 50), region(300, 50), region(345, 50)]
    first, second = join_to_count(parts, 2)
    assert (first.x, first.width) == (75, 90)
    assert (second.x, second.width) == (322.5, 85)


def test_join_no_more_than_there_are():
    """A line with fewer parts than the count stays as it is."""
    parts = [region(50, 50), region(100, 50)]
    assert join_to_count(parts, 3) == parts
