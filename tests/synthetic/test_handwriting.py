"""Synthetic digits are in MNIST's frame, legible, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from inkfast import data
from inkfast.core.errors import InkfastError
from inkfast.synthetic.handwriting import STYLES, make_handwriting


@pytest.fixture(scope="module")
def digits() -> data.Digits:
    """Return 1,000 synthetic digits."""
    return make_handwriting(1000, seed=3)


def test_classes_are_balanced(digits):
    """Every class is a tenth, whatever its number of styles."""
    assert np.bincount(digits.labels).tolist() == [100] * 10
    assert {shape.digit for shape in STYLES} == set(range(10))


def test_digits_fit_mnists_frame(digits):
    """The longer side is 20 pixels, centred, nothing cut off, with as much ink as MNIST's digits."""
    ink = digits.images > 100
    tall = [np.ptp(np.flatnonzero(image.any(axis=1))) for image in ink]
    wide = [np.ptp(np.flatnonzero(image.any(axis=0))) for image in ink]
    assert np.percentile(np.maximum(tall, wide), [5, 95]) == pytest.approx([19, 20], abs=2)
    middles = np.array([ndimage.center_of_mass(image) for image in digits.images])
    assert np.abs(middles.mean(axis=0) - 13.5).max() < 0.7
    assert 0.1 < digits.images.mean() / 255 < 0.17
    rim = np.concatenate([digits.images[:, [0, -1]].ravel(), digits.images[:, :, [0, -1]].ravel()])
    assert np.mean(rim > 128) < 0.005


def test_a_seed_decides_the_digits(digits):
    """The same seed gives the same digits, another seed others; no two digits are equal."""
    assert make_handwriting(1000, seed=3).fingerprint == digits.fingerprint
    assert make_handwriting(1000, seed=4).fingerprint != digits.fingerprint
    assert len({image.tobytes() for image in digits.images}) == 1000


def test_digits_are_legible():
    """Nearest neighbours among digits of another seed classify more than nine in ten."""
    from sklearn.neighbors import KNeighborsClassifier

    train, test = make_handwriting(3000, seed=0), make_handwriting(500, seed=1)
    flat = [part.images.reshape(len(part), -1) / 255 for part in (train, test)]
    reader = KNeighborsClassifier(3).fit(flat[0], train.labels)
    assert reader.score(flat[1], test.labels) > 0.9


def test_synthetic_is_a_data_source():
    """`synthetic` is a data source like `embedded`, with a notice of its own."""
    source = data.load("synthetic")
    assert len(source.train) == 20_000
    assert "drawn by a program" in source.notice


@pytest.mark.parametrize("n", [0, 9, 2.5, "many"])
def test_impossible_numbers_are_refused(n):
    """Fewer than one digit of each class, and values that are not whole numbers, are refused."""
    with pytest.raises(InkfastError, match="`n` must be a whole number >= 10"):
        make_handwriting(n)
