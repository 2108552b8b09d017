"""Stratified splits: shares, seeds, rare classes and copies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError
from inkfast.core.splits import (
    count_groups,
    describe_groups,
    stratified_group_kfold,
    stratified_group_split,
    stratified_split,
)


def as_digits(labels, images=None, writers=None) -> Digits:
    """Return digits with these labels whose images are all different, or numbered by `images`."""
    numbers = np.arange(len(labels)) if images is None else np.asarray(images)
    pixels = np.zeros((len(labels), 28, 28), np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = numbers % 256, numbers // 256
    return Digits(pixels, np.asarray(labels, np.int64), "digits", writers)


def written_by(writers: int, seed: int = 0) -> Digits:
    """Return digits of writers, no two of whom wrote equally many."""
    rng = np.random.default_rng(seed)
    wrote = np.repeat(np.arange(writers), 10 + rng.permutation(writers))
    return as_digits(rng.integers(0, 10, len(wrote)), writers=wrote)


def test_copies_are_cut_off_together():
    """Without copies, the rows are those of a stratified split; a class of copies is too small."""
    labels = np.repeat(np.arange(10), 30)
    for seed in range(3):
        cut = stratified_group_split(as_digits(labels), 0.2, seed)
        for rows, expected in zip(cut, stratified_split(labels, 0.2, seed), strict=True):
            np.testing.assert_array_equal(rows, expected)
    with pytest.raises(ValueError, match="class 0 has 1, .* Copies of an image were counted once"):
        stratified_group_split(as_digits([0, 0, 1, 1], [0, 0, 2, 3]), 0.5, 0)


def test_only_the_given_rows_are_split():
    """The rows that are returned are those that were given."""
    digits, rows = as_digits(np.arange(300) % 10), np.arange(50, 250)
    kept, cut = stratified_group_split(digits, 0.1, 3, rows)
    assert sorted([*kept, *cut]) == rows.tolist()
    assert len(cut) == 20


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 0.5, 0.8])
def test_writers_are_cut_off_whole(fraction):
    """No writer is on both sides of a cut, whose share is about right; the seed alone decides."""
    digits = written_by(100)
    kept, cut = stratified_group_split(digits, fraction, 1)
    assert sorted([*kept, *cut]) == list(range(len(digits)))
    assert not set(digits.writers[kept]) & set(digits.writers[cut])
    shares = np.bincount(digits.labels[cut]) / np.bincount(digits.labels)
    assert abs(len(cut) / len(digits) - fraction) < 0.03
    assert np.abs(shares - fraction).max() < 0.12
    assert not np.array_equal(cut, stratified_group_split(digits, fraction, 2)[1])
    np.testing.assert_array_equal(cut, stratified_group_split(digits, fraction, 1)[1])


def test_writers_that_share_an_image_stay_together():
    """A copy of an image joins the groups of its writers, also over a third."""
    digits = as_digits([1, 1, 2, 2, 3, 3], [0, 1, 1, 2, 3, 4], np.array([5, 7, 8, 7, 9, 9]))
    assert digits.groups.tolist() == [0, 1, 1, 1, 4, 4]
    assert as_digits([1, 2], [0, 0]).groups.tolist() == [0, 0]


def test_too_few_writers_are_refused():
    """A class that one writer alone wrote cannot be on both sides."""
    digits = as_digits([0, 0, 1, 1, 1, 1], writers=np.array([0, 0, 0, 0, 1, 1]))
    with pytest.raises(InkfastError, match="too few writers to cut off 50% .* got 2, and the rows"):
        stratified_group_split(digits, 0.5, 0)
    alone = as_digits(np.arange(40) % 10, writers=np.zeros(40, np.int64))
    with pytest.raises(InkfastError, match="too few writers to cut off 10% .* got 1, and the rows"):
        stratified_group_split(alone, 0.1, 0)


def test_folds_keep_writers_together():
    """Each row is held out once per repeat, and no writer is on both sides of a fold."""
    digits = written_by(30)
    folds = list(stratified_group_kfold(digits, 5, 2, 0))
    assert len(folds) == 10
    for repeat in (folds[:5], folds[5:]):
        assert sorted(np.concatenate([cut for _, cut in repeat])) == list(range(len(digits)))
    for kept, cut in folds:
        assert not set(digits.writers[kept]) & set(digits.writers[cut])
        assert len(np.unique(digits.labels[cut])) == 10
    assert not np.array_equal(folds[0][1], folds[5][1])


def test_groups_are_counted_by_class():
    """Copies count once; a writer counts once for each class that he or she wrote."""
    labels = [0, 0, 1, 1]
    for digits, counts, text in (
        (as_digits(labels), [2, 2], ""),
        (as_digits(labels, [0, 0, 1, 2]), [1, 2], ", copies counted once"),
        (as_digits(labels, writers=np.array([3, 4, 4, 4])), [2, 1], " writers, whose"),
    ):
        assert count_groups(digits)[:2].tolist() == counts
        assert describe_groups(digits).startswith(text)


def test_stratified_split_keeps_shares_and_is_seeded():
    """Each class keeps its share, each row is on one side, and the seed decides which."""
    labels = np.repeat(np.arange(10), 30)
    kept, cut = stratified_split(labels, 0.2, 1)
    assert np.bincount(labels[cut]).tolist() == [6] * 10
    assert sorted([*kept, *cut]) == list(range(300))
    assert not np.array_equal(cut, stratified_split(labels, 0.2, 2)[1])
    with pytest.raises(
        ValueError, match="too few digits to cut off 20% .* class 0 has 1, all have 4"
    ):
        stratified_split(np.array([0, 1, 1, 1]), 0.2, 0)


@pytest.mark.parametrize(("counts", "fraction"), [
    ([100, 100, 2], 0.02), ([100, 100, 2], 0.9), ([144] * 3 + [3] + [144] * 6, 0.1),
    ([2, 2, 150], 0.03), ([3, 40, 40], 0.95),
])  # fmt: skip
def test_a_rare_class_is_on_both_sides_of_a_cut(counts, fraction):
    """A share that rounds to no row gives one row, which the seed chooses."""
    labels = np.repeat(np.arange(len(counts)), counts)
    cuts = [stratified_split(labels, fraction, seed) for seed in (*range(30), 0)]
    for kept, cut in cuts:
        assert sorted([*kept, *cut]) == list(range(len(labels)))
        for rows in (kept, cut):
            assert sorted(rows) == list(rows)
            assert len(np.unique(labels[rows])) == len(counts)
        assert abs(len(cut) - fraction * len(labels)) < 1 + len(counts)
    np.testing.assert_array_equal(cuts[0][1], cuts[-1][1])
    rare = int(np.argmin(counts))
    moved = {tuple(cut[labels[cut] == rare]) for _, cut in cuts}
    assert len(moved) > 1


@pytest.mark.parametrize(("n", "fraction"), [(30, 0.2), (29, 0.13), (11, 0.3), (500, 0.1)])
def test_a_cut_with_every_class_is_that_of_scikit_learn(n, fraction):
    """Where no class is rare, the rows are those of scikit-learn's `train_test_split`."""
    labels = np.random.default_rng(n).permutation(np.arange(10).repeat(n))
    found = stratified_split(labels, fraction, 7)
    expected = train_test_split(
        np.arange(len(labels)), test_size=fraction, stratify=labels, random_state=7
    )
    for rows, those in zip(found, expected, strict=True):
        np.testing.assert_array_equal(rows, np.sort(those))


def test_a_cut_that_rounds_up_to_too_many_is_refused():
    """Of two rows per class one can be cut off, but not more."""
    labels = np.arange(20) % 10
    assert [len(rows) for rows in stratified_split(labels, 0.5, 0)] == [10, 10]
    with pytest.raises(InkfastError, match="too few digits to cut off 51%.* class 0 has 2, all"):
        stratified_split(labels, 0.51, 0)
