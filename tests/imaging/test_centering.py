"""A digit is centred by its mass, as in MNIST, and never cut off."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging.centering import center_digit


@pytest.mark.parametrize("turns", range(4))
def test_a_lopsided_digit_is_not_cut_off(turns):
    """A digit with nearly all its mass at one end keeps its other end inside the frame."""
    ink = np.zeros((20, 20))
    ink[:, :4] = ink[10] = 1
    found = center_digit(np.rot90(ink, turns))
    assert (found > 0).sum() == (ink > 0).sum()
