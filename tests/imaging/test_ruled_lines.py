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
