"""The ink of images drawn by a program is found faster, with the same result."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging import ink
from inkfast.imaging.normalization import normalize
from tests.serving.makers import STROKES, drawn


@pytest.mark.parametrize("digit", STROKES)
def test_the_fast_path_gives_the_same_digit(digit, monkeypatch):
    """On paper of one colour, black on white or white on black, both paths give the same digit."""
    grey = np.asarray(drawn(digit), np.float32) / 255
    found = normalize(ink.find_ink(grey))
    np.testing.assert_array_equal(normalize(ink.find_ink(1 - grey)), found)
    assert ink._find_drawn_ink(grey) is not None
    monkeypatch.setattr(ink, "_find_drawn_ink", lambda _: None)
    assert np.abs(normalize(ink.find_ink(grey)).astype(int) - found).mean() < 2  # of 255


def test_only_even_ink_on_even_paper_takes_the_fast_path():
    """Grain, a faint digit beside a strong line, and a blank image take the slower path."""
    grey = np.asarray(drawn(3), np.float32) / 255
    grain = np.random.default_rng(0).normal(0, 0.01, grey.shape).astype(np.float32)
    faint = 1 - 0.3 * (1 - grey)
    faint[:4] = 0
    for other in (grey + grain, faint, np.ones_like(grey)):
        assert ink._find_drawn_ink(other) is None
