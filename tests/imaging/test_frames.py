"""Boxes, polarity and the 28x28 frame of digits."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging.boxes import bounding_box, is_cut_off
from inkfast.imaging.centering import center_digit, to_bright_ink
from inkfast.imaging.normalization import preprocess


@pytest.mark.parametrize(("box", "cut_off"), [
    ((1, 1, 9, 9), False), ((0, 1, 9, 9), True), ((1, 0, 9, 9), True), ((1, 1, 10, 9), True),
    ((1, 1, 9, 10), True), ((0, 1, 10, 9), False), ((1, 0, 9, 10), False), ((0, 0, 9, 9), True),
])  # fmt: skip
def test_ink_at_one_edge_is_cut_off(box, cut_off):
    """From edge to edge it is an image that was cropped to its digit."""
    assert is_cut_off(box, (10, 10)) is cut_off


def test_a_bounding_box_is_the_smallest():
    """Of a mask without a pixel it has no size."""
    mask = np.zeros((6, 7), bool)
    assert bounding_box(mask) == (0, 0, 0, 0)
    mask[2, 1] = mask[4, 5] = True
    assert bounding_box(mask) == (2, 1, 5, 6)


def test_an_image_of_28x28_is_taken_as_it_is():
    """Dark ink on light is inverted, and nothing else is changed."""
    rng = np.random.default_rng(0)
    image = np.zeros((28, 28))
    image[8:20, 10:16] = rng.random((12, 6))
    expected = np.rint(255 * image).astype(np.uint8)
    np.testing.assert_array_equal(preprocess(image), expected)
    np.testing.assert_array_equal(preprocess(1 - image), expected)


@pytest.mark.parametrize("edge", [np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]])
def test_polarity_is_that_of_the_whole_border(edge):
    """Ink along one edge does not turn the image."""
    image = np.zeros((10, 10))
    image[3:7, 3:7] = 1
    image[edge] = 1
    np.testing.assert_array_equal(to_bright_ink(image), image)
    np.testing.assert_array_equal(to_bright_ink(1 - image), 1 - (1 - image))


@pytest.mark.parametrize("turned", [False, True])
def test_polarity_is_read_from_the_outermost_pixels(turned):
    """Two opposite edges of paper, one pixel wide, are half of the border; ink lies beside them."""
    image = np.ones((10, 10))
    image[[0, -1]] = 0
    image = image.T if turned else image
    np.testing.assert_array_equal(to_bright_ink(image), image)
    np.testing.assert_array_equal(to_bright_ink(1 - image), image)


def test_a_centred_digit_keeps_faint_ink_out_of_its_box():
    """The centre of mass is moved to the middle, as far as the digit's own box allows."""
    ink = np.zeros((40, 40))
    ink[5:35, 17:23] = 1
    found = center_digit(ink)
    mass = found.astype(float)
    for axis in (0, 1):
        centre = (mass.sum(axis=1 - axis) * np.arange(28)).sum() / mass.sum()
        assert centre == pytest.approx(13.5, abs=0.51)
    lopsided = np.zeros((20, 20))
    lopsided[:, :2] = 1
    lopsided[9:11] = 1
    assert bounding_box(center_digit(lopsided) > 200)[1] >= 4  # moved, and nothing cut off
    assert center_digit(lopsided).max() == 255


@pytest.mark.parametrize("turns", range(4))
def test_the_faint_rim_of_a_digit_may_lie_outside(turns):
    """A lopsided digit is moved until its ink, not the faint rim around it, meets the edge."""
    ink = np.zeros((10, 10))
    ink[:, :2] = ink[5] = 1
    found = np.rot90(center_digit(np.rot90(ink, turns)), -turns)
    columns = np.flatnonzero((found >= 0.2 * found.max()).any(axis=0))
    assert columns[-1] == 27
    assert len(columns) == pytest.approx(20, abs=2)  # nothing of the ink is cut off
