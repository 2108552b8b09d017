"""Strips: brought to one height, normalised, and refused where no character can be on them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inkfast.inference.number_strips import frames_of_width, normalize_strips, prepare_strip


def grey(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width), dtype=np.uint8)


@pytest.mark.parametrize(("size", "width"), [
    ((40, 100), 100), ((80, 100), 50), ((20, 100), 200), ((400, 8), 12), ((4, 400), 4000),
])  # fmt: skip
def test_strips_keep_their_aspect(size, width):
    """A strip is 40 pixels high afterwards, and at least 12 wide."""
    prepared = prepare_strip(grey(*size))
    assert prepared.shape == (40, width)
    assert prepared.dtype == np.uint8


def test_strips_are_scaled_as_pillow_does():
    """Scaling is bilinear with antialiasing; a strip of the right height stays as it is."""
    given = grey(97, 310)
    expected = Image.fromarray(given).resize((128, 40), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(prepare_strip(given), np.asarray(expected))
    same = grey(40, 90)
    np.testing.assert_array_equal(prepare_strip(same), same)


@pytest.mark.parametrize(("strip", "message"), [
    (grey(1, 10_000), "of at least 4 pixels each, got 1 x 10,000"),
    (grey(20, 3), "of at least 4 pixels each, got 20 x 3"),
    (grey(4, 401), "strip 7 is 401 pixels wide and 4 high: expected at most 100 times as wide"),
    (np.zeros((0, 0), np.uint8), "of at least 4 pixels each, got 0 x 0"),
    (np.zeros((20, 30)), r"uint8 \(height, width\), got float64 \(20, 30\)"),
    (np.zeros((20, 30, 3), np.uint8), r"got uint8 \(20, 30, 3\)"),
    ([[1, 2]], r"as a NumPy array, uint8 \(height, width\), got \[\[1, 2\]\]"),
])  # fmt: skip
def test_what_is_no_strip_is_refused(strip, message):
    """One line says which strip it was, what was expected and what came."""
    with pytest.raises(ValueError, match=message) as error:
        prepare_strip(strip, "strip 7")
    assert str(error.value).startswith("strip 7")


def test_normalised_strips_have_mean_zero_between_margins_of_zeros():
    """Grey values are centred and divided by their deviation plus eight; margins stay 0."""
    one, other = grey(40, 30), grey(40, 50)
    found = normalize_strips([one, other])
    assert found.shape == (2, 1, 40, 66)
    assert not found[0, 0, :, :8].any()
    assert not found[0, 0, :, 38:].any()
    expected = (other.astype(float) - other.mean()) / (other.std() + 8)
    np.testing.assert_allclose(found[1, 0, :, 8:58], expected, atol=1e-5)
    assert normalize_strips([one], width=80).shape == (1, 1, 40, 80)


def test_light_and_contrast_hardly_matter():
    """A strip under another light looks the same to a network, but noise is not enlarged."""
    given = grey(40, 60)
    dim = (given * 0.5 + 40).astype(np.uint8)
    np.testing.assert_allclose(normalize_strips([given]), normalize_strips([dim]), atol=0.2)
    flat = np.full((40, 60), 200, np.uint8)
    flat[::2] += 1
    assert np.abs(normalize_strips([flat])).max() < 0.1


def test_frames_are_counted_with_the_margins():
    """There are eight columns on either side, and a frame for every four, rounded up."""
    assert [frames_of_width(width) for width in range(12, 22)] == [7, 8, 8, 8, 8, 9, 9, 9, 9, 10]
