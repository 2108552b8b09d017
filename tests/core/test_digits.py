"""`Digits`: what it accepts, its fingerprint and its groups."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.core.digits import Digits

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 28, 28), np.uint8)
LABELS = np.arange(12) % 10


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        ([[0]], None, r"n: images must be a NumPy array, got \[\[0\]\]"),
        (None, None, "n: images must be a NumPy array, got None"),
        (IMAGES, [1] * 12, r"n: labels must be a NumPy array, got \[1, 1"),
    ],
)
def test_lists_are_refused(images, labels, message):
    """A list is refused in one sentence, because its data type would be a guess."""
    with pytest.raises(ValueError, match=message):
        Digits(images, labels, "n")


def test_a_fingerprint_is_of_images_and_labels():
    """The fingerprint changes with a pixel, a label and the order, but not with the name."""
    digits = Digits(IMAGES, LABELS, "a")
    assert digits.fingerprint == Digits(IMAGES.copy(), LABELS, "b").fingerprint
    changed = IMAGES.copy()
    changed[3, 4, 5] ^= 1
    others = [
        Digits(changed, LABELS, "a"),
        Digits(IMAGES, (LABELS + 1) % 10, "a"),
        digits.pick(np.arange(12)[::-1], "a"),
    ]
    assert len({digits.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_copies_are_one_group():
    """Rows with equal images have the index of the first of them."""
    images = np.arange(10, dtype=np.uint8)[[3, 1, 3, 4, 1]].repeat(784).reshape(5, 28, 28)
    assert Digits(images, None, "a").groups.tolist() == [0, 1, 0, 3, 1]


def test_writers_are_checked_and_follow_their_rows():
    """Writers have one number per row; picked and joined rows keep theirs if both parts know them."""
    writers = np.arange(12) // 4
    digits = Digits(IMAGES, LABELS, "a", writers)
    assert digits.pick(np.array([0, 11]), "b").writers.tolist() == [0, 2]
    both = digits.followed_by(digits.pick(np.array([5]), "b"), "both")
    assert both.writers.tolist() == [*writers, 1]
    assert (len(both), both.name, both.labels[-1]) == (13, "both", 5)
    assert digits.followed_by(Digits(IMAGES, LABELS, "c"), "both").writers is None
    assert digits.fingerprint == Digits(IMAGES, LABELS, "a").fingerprint
    for wrong in (writers[:3], writers.astype(np.int16)):
        with pytest.raises(ValueError, match=r"a: writers must be int64 of shape \(12,\), got"):
            Digits(IMAGES, LABELS, "a", wrong)
    with pytest.raises(ValueError, match="a: writers must be a NumPy array"):
        Digits(IMAGES, LABELS, "a", [0] * 12)
