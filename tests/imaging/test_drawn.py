"""Pictures that a program drew take a shorter way to the same ink."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging import ink
from inkfast.imaging.normalization import preprocess
from tests.serving.makers import STROKES, drawn


@pytest.mark.parametrize("digit", STROKES)
def test_the_short_way_leads_to_the_same_digit(digit, monkeypatch):
    """Paper of one even colour, in black on white or white on black."""
    picture = np.asarray(drawn(digit), np.float32) / 255
    found = preprocess(picture)
    np.testing.assert_array_equal(preprocess(1 - picture), found)
    assert ink._find_drawn_ink(picture) is not None
    monkeypatch.setattr(ink, "_find_drawn_ink", lambda _: None)
    assert np.abs(preprocess(picture).astype(int) - found).mean() < 2  # of 255


def test_only_even_ink_on_even_paper_takes_it():
    """Grain, a faint digit beside a strong line, or nothing at all need a longer look."""
    picture = np.asarray(drawn(3), np.float32) / 255
    grain = np.random.default_rng(0).normal(0, 0.01, picture.shape).astype(np.float32)
    faint = 1 - 0.3 * (1 - picture)
    faint[:4] = 0
    for other in (picture + grain, faint, np.ones_like(picture)):
        assert ink._find_drawn_ink(other) is None
