"""Threshold and guarantee of an adapted network."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from inkfast.adaptation.adaptation import (
    HELD_BACK,
    choose_threshold,
    exact_guarantee,
    split_corrections,
)
from inkfast.evaluation.selective import THRESHOLDS


class Answers:
    """Corrections with fixed confidences, of which some are wrong."""

    shipped = np.zeros((1, 1))

    def __init__(self, confidence, wrong):
        self.confidence, self.wrong = np.array(confidence), np.array(wrong, bool)

    def __len__(self):
        return len(self.wrong)

    def answers(self, weights, rows, temperature, threshold):
        return self.confidence[rows], self.wrong[rows]


PARTS = [(np.arange(4), np.zeros((1, 1)))]


def test_the_threshold_is_above_what_was_wrong():
    """It is the lowest candidate above which no more than the share aimed at is wrong."""
    found = choose_threshold(Answers([0.6, 0.8, 0.97, 0.99], [1, 1, 0, 0]), PARTS, 1.0, 0.1, 0.5)
    assert found == min(one for one in THRESHOLDS if one > 0.8)


def test_where_the_aim_is_missed_the_best_threshold_is_taken():
    """If errors are confident, it is the threshold that shows the smallest share of errors."""
    sure = Answers([0.6] * 10 + [0.97] * 30 + [0.99999], [1] * 10 + [0] * 30 + [1])
    parts = [(np.arange(41), np.zeros((1, 1)))]
    found = choose_threshold(sure, parts, 1.0, 0.01, 0.5)
    assert found == min(one for one in THRESHOLDS if one > 0.6)


def test_the_threshold_never_falls_below_the_shipped_one():
    """Where nothing was wrong, the threshold stays."""
    assert choose_threshold(Answers([0.6] * 4, [0] * 4), PARTS, 1.0, 0.1, 0.83) == 0.83


@pytest.mark.parametrize(("wrong", "right"), [(0, 30), (2, 60)])
def test_the_bound_is_that_of_an_exact_test(wrong, right):
    """The guaranteed share of errors is the upper end of Clopper and Pearson's interval."""
    found = exact_guarantee(np.repeat([True, False], [wrong, right]), 0.9, 100)
    exact = binomtest(wrong, wrong + right).proportion_ci(0.90, "exact").high
    assert exact <= found.max_error <= exact + 0.001
    assert found.coverage == (wrong + right) / 100


@pytest.mark.parametrize("wrong", [[], [True] * 5, [False]])
def test_too_little_guarantees_nothing(wrong):
    """No answer, errors alone, or one answer tell nothing."""
    assert np.isnan(exact_guarantee(np.array(wrong, bool), 0.9, 10).max_error)


def test_the_guarantee_holds():
    """Over many samples, the true share of errors is above the bound in at most 1 of 20."""
    rng = np.random.default_rng(0)
    bounds = [exact_guarantee(rng.random(40) < 0.1, 0.9, 40).max_error for _ in range(2000)]
    assert np.mean(np.array(bounds) < 0.1) <= 0.05


def test_corrections_are_parted():
    """Every correction is either fitted or held back, and the same ones each time."""
    fitted, held_back = split_corrections(np.arange(50))
    assert sorted([*fitted, *held_back]) == list(range(50))
    assert len(held_back) == round(HELD_BACK * 50)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(split_corrections(np.arange(50)), (fitted, held_back), strict=True)
    )
