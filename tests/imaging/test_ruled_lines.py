"""Ruled lines are removed; strokes that cross them and single upright strokes are kept."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging.ruled_lines import remove_ruled_lines


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_lines_are_removed_and_strokes_kept(count, upright):
    """Three parallel lines are ruling; of single lines only a horizontal one is, not a long 1."""
    lines = np.zeros((300, 300), bool)
    for at in (100, 150, 200)[:count]:
        lines[at : at + 2] = True
    stroke = np.zeros_like(lines)
    stroke[110:140, 120:130] = True
    page = lines | stroke
    if upright:
        page, stroke = page.T, stroke.T
    expected = page if upright and count == 1 else stroke
    np.testing.assert_array_equal(remove_ruled_lines(page), expected)


@pytest.mark.parametrize(("count", "removed"), [(2, False), (3, True)])
def test_three_lines_are_ruling_though_they_end_inside(count, removed):
    """Lines over three quarters of the width are ruling if there are three, and strokes if two."""
    lines = np.zeros((300, 300), bool)
    for at in (100, 150, 200)[:count]:
        lines[at : at + 2, 38:262] = True
    stroke = np.zeros_like(lines)
    stroke[110:140, 120:130] = True
    expected = stroke if removed else lines | stroke
    np.testing.assert_array_equal(remove_ruled_lines(lines | stroke), expected)


def test_short_strokes_from_the_edge_are_not_ruling():
    """Three strokes of a sixth of the width are kept, though they begin at the edge."""
    strokes = np.zeros((300, 300), bool)
    for at in (100, 150, 200):
        strokes[at : at + 2, :50] = True
    np.testing.assert_array_equal(remove_ruled_lines(strokes), strokes)


@pytest.mark.parametrize(("dash", "removed"), [(7, False), (8, True)])
def test_dashes_of_eight_pixels_make_a_line(dash, removed):
    """A dashed line from edge to edge is ruling; shorter dashes are ink."""
    mask = np.zeros((100, 300), bool)
    mask[50:52] = np.arange(300) % 10 < dash
    assert remove_ruled_lines(mask).any() is np.bool_(not removed)
