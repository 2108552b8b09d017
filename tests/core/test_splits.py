"""Stratified splits: shares, seeds, rare classes and copies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from inkfast.core.errors import InkfastError
from inkfast.core.splits import stratified_group_split, stratified_split


def test_copies_are_cut_off_together():
    """Without copies, the rows are those of a stratified split; a class of copies is too small."""
    labels = np.repeat(np.arange(10), 30)
    for seed in range(3):
        cut = stratified_group_split(labels, np.arange(300), 0.2, seed)
        for rows, expected in zip(cut, stratified_split(labels, 0.2, seed), strict=True):
            np.testing.assert_array_equal(rows, expected)
    with pytest.raises(ValueError, match="class 0 has 1, .* Copies of an image were counted once"):
        stratified_group_split(np.array([0, 0, 1, 1]), np.array([0, 0, 2, 3]), 0.5, 0)


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
