"""Finding numbers: cores to regions, merging of sizes."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.inference.finder import drop_overlapping, find_regions
from inkfast.inference.finder_maps import MAPS, normalize_page, pad_page
from inkfast.inference.regions import Region


def maps_with(*cores: tuple[slice, slice], height: float = 32, angle: float = 0) -> np.ndarray:
    """Return maps of 40 x 60 cells with cores of one height and slope."""
    maps = np.zeros((len(MAPS), 40, 60), np.float32)
    for core in cores:
        maps[0][core], maps[2][core], maps[3][core] = 0.9, np.log(height), np.sin(angle)
    return maps


def test_core_to_region():
    """A region ends in the middles of its core's outermost cells and has the predicted height."""
    (region,) = find_regions(maps_with((slice(10, 14), slice(20, 45)))).numbers
    assert (region.x, region.y, region.width) == (130, 48, 96)
    assert region.height == pytest.approx(32)
    assert region.confidence == pytest.approx(0.9)


def test_two_cores_are_two_regions():
    """Cores without a common cell are numbers of their own."""
    maps = maps_with((slice(4, 8), slice(5, 30)), (slice(12, 16), slice(5, 30)))
    assert len(find_regions(maps).numbers) == 2


def test_writing_that_is_no_number():
    """A core of other writing is no number, one that may be either is."""
    maps = maps_with((slice(10, 14), slice(20, 45)))
    maps[0], maps[1] = 0.1 * maps[0], 1.0 * maps[0]
    found = find_regions(maps)
    assert (len(found.numbers), len(found.others)) == (0, 1)
    maps[0] = 0.45 * (maps[1] > 0)
    maps[1] = 0.5 * (maps[1] > 0)
    found = find_regions(maps)
    assert (len(found.numbers), len(found.others)) == (1, 0)


def test_faint_core_is_none():
    """A core whose greatest probability is below the limit is no number."""
    maps = maps_with((slice(10, 14), slice(20, 45)))
    maps[0] *= 0.7
    assert find_regions(maps).numbers == []


def test_short_core_takes_the_predicted_slope():
    """A core of one digit has the slope that the network says."""
    (region,) = find_regions(maps_with((slice(10, 14), slice(20, 23)), angle=0.3)).numbers
    assert region.angle == pytest.approx(0.3, abs=1e-5)


def test_long_core_takes_its_own_slope():
    """A long core has the slope of its cells, about which the network says less."""
    maps = maps_with()
    for column in range(5, 55):
        row = 10 + round(0.2 * column)
        cells = slice(row, row + 4), slice(column, column + 1)
        maps[0][cells], maps[2][cells], maps[3][cells] = 0.9, np.log(32), np.sin(0.15)
    (region,) = find_regions(maps).numbers
    assert region.angle == pytest.approx(np.arctan(0.2), abs=0.02)


@pytest.mark.parametrize(("rows", "height"), [(1, 4), (25, 200)])
def test_heights_of_other_sizes_are_left_out(rows: int, height: float):
    """What is far too low or too high for the network is found at another size."""
    core = slice(10, 10 + rows), slice(20, 45)
    assert find_regions(maps_with(core, height=height)).numbers == []


def test_better_of_two_overlapping_regions_is_kept():
    """Of regions that overlap, the most confident is kept, whatever its size."""
    small, large = Region(50, 50, 30, 10, 0, 0.8), Region(55, 50, 80, 20, 0, 0.9)
    apart = Region(50, 100, 30, 10, 0, 0.5)
    assert drop_overlapping([small, large, apart]) == [large, apart]


def test_regions_kept_whatever_they_overlap():
    """Regions at the beginning are kept, and others only where they overlap none of them."""
    known = [Region(50, 50, 30, 10, 0, 0.6)]
    other = Region(52, 50, 30, 10, 0, 0.9)
    assert drop_overlapping([*known, other], keep=1) == known


def test_normalised_page_ignores_a_slow_shadow():
    """A page and the same page at half the contrast under a shadow look nearly alike."""
    rng = np.random.default_rng(0)
    ink = (rng.random((200, 200)) < 0.1) * 100.0
    shade = np.linspace(60, 100, 200)[None]
    one = normalize_page(np.asarray(230 - ink, np.uint8))
    other = normalize_page(np.asarray(shade + 100 - ink / 2, np.uint8))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97


def test_plain_page_is_zero():
    """A page of one grey value has no contrast."""
    assert not normalize_page(np.full((50, 70), 33, np.uint8)).any()


def test_padding():
    """Sides are filled up to multiples of 32 with zeros on the right and below."""
    padded = pad_page(np.ones((33, 64), np.float32))
    assert padded.shape == (64, 64)
    assert padded.sum() == 33 * 64
