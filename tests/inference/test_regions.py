"""Regions: geometry, overlap, and strips cut from a page."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inkfast.inference.regions import (
    Region,
    cut_strip,
    join_regions,
    strip_share_to_region,
    with_margin,
)

LEVEL = Region(100, 50, 80, 20, 0.0, 0.9)


def test_level_corners():
    """The corners of a level region are those of its box, clockwise from the top left."""
    assert LEVEL.corners.tolist() == [[60, 40], [140, 40], [140, 60], [60, 60]]
    assert LEVEL.box == (60, 40, 80, 20)


def test_slope_falls_to_the_right():
    """A region with a positive angle has its right end below its left end."""
    left, right = Region(100, 50, 80, 20, 0.3, 0.9).corners[:2]
    assert right[1] - left[1] == pytest.approx(80 * np.sin(0.3))


def test_overlap_is_a_share_of_the_smaller():
    """A region inside another overlaps it wholly; one beside it does not."""
    inner = Region(110, 50, 10, 10, 0.2, 0.5)
    assert LEVEL.overlap(inner) == inner.overlap(LEVEL) == 1
    assert LEVEL.overlap(Region(100, 80, 80, 20, 0, 0.5)) == 0


def test_half_overlap():
    """A region that is moved by half its height overlaps by half."""
    assert LEVEL.overlap(Region(100, 60, 80, 20, 0, 0.5)) == pytest.approx(0.5, abs=0.1)


def test_part():
    """A part of a region lies between two shares of its width along its slope."""
    part = Region(100, 50, 80, 20, 0.3, 0.9).part(0.5, 1.0)
    assert part.width == 40
    assert (part.x, part.y) == pytest.approx((100 + 20 * np.cos(0.3), 50 + 20 * np.sin(0.3)))


def test_join_encloses_all():
    """The join of the regions of a falling line has its slope, and encloses their corners."""
    parts = [Region(50, 50, 30, 20, 0, 0.9), Region(150, 70, 30, 20, 0, 0.8)]
    joined = join_regions(parts)
    assert joined.angle == pytest.approx(np.arctan2(20, 100))
    assert joined.confidence == 0.8
    grown = Region(joined.x, joined.y, joined.width + 1, joined.height + 1, joined.angle, 1)
    assert all(grown.covers(part.corners).all() for part in parts)


def test_strip_of_a_sloping_region_is_level():
    """A sloping bar is level in its strip, dark in the middle and paper at all sides."""
    page = Image.new("L", (400, 300), 255)
    region = Region(200, 150, 200, 30, 0.4, 1.0)
    ImageDraw.Draw(page).polygon([tuple(point) for point in region.corners], 0)
    strip = cut_strip(page, region)
    wide = with_margin(region)
    assert strip.shape == (round(wide.height), round(wide.width))
    assert strip[12:24, 20:-20].max() == 0
    assert strip[0].min() == strip[-1].min() == strip[:, 0].min() == strip[:, -1].min() == 255


def test_strip_of_a_high_region_is_reduced():
    """A strip of a number that is 640 pixels high is averaged down."""
    strip = cut_strip(Image.new("L", (2000, 1000), 7), Region(1000, 500, 900, 640, 0, 1))
    assert 64 <= strip.shape[0] < 128
    assert strip.min() == strip.max() == 7


def test_strip_beyond_the_page_repeats_its_edge():
    """A strip that reaches beyond the page shows the grey of its edge there."""
    strip = cut_strip(Image.new("L", (30, 20), 90), Region(15, 10, 60, 40, 0.1, 1))
    assert strip.min() == strip.max() == 90


def test_share_of_strip():
    """The margins of a strip are outside the region: its ends are shares below 0 and above 1."""
    assert strip_share_to_region(LEVEL, 0.5) == pytest.approx(0.5)
    assert strip_share_to_region(LEVEL, 0) == pytest.approx(-0.16 * 20 / 80)
