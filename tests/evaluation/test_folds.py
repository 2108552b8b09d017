"""Comparisons over cross-validation folds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from inkfast.evaluation.difference import compare_folds, corrected_resampled_t


def test_the_corrected_test_is_its_formula():
    """Without shared rows it is the one-sample t-test; with them p is larger."""
    differences = np.array([0.011, 0.02, 0.004, 0.013, 0.009])
    assert corrected_resampled_t(differences, 0.0) == pytest.approx(
        stats.ttest_1samp(differences, 0).pvalue
    )
    statistic = differences.mean() / np.sqrt((1 / 5 + 1 / 4) * differences.var(ddof=1))
    assert corrected_resampled_t(differences, 0.25) == pytest.approx(2 * stats.t.sf(statistic, 4))
    assert corrected_resampled_t(-differences, 0.25) == corrected_resampled_t(differences, 0.25)
    assert corrected_resampled_t(np.array([0.1]), 0.25) == 1
    assert corrected_resampled_t(np.array([0.1, 0.1]), 0.25) == 1


def test_the_best_model_is_compared_with_every_other():
    """Each comparison has its mean difference, a p adjusted over all pairs, and its test as text."""
    accuracy = {
        "a": {0: 0.95, 1: 0.96, 2: 0.97},
        "b": {0: 0.90, 1: 0.92, 2: 0.91},
        "c": {0: 0.94, 1: 0.96, 2: 0.95},
    }
    first, second = compare_folds(accuracy, ["a", "c", "b"], share=0.5)
    assert [(one.better, one.worse, one.pairs) for one in (first, second)] == [
        ("a", "c", 3), ("a", "b", 3),
    ]  # fmt: skip
    assert second.difference == pytest.approx(0.05)
    raw = corrected_resampled_t(np.array([0.05, 0.04, 0.06]), 0.5)
    assert second.p_value == pytest.approx(3 * raw)
    assert second.real is (3 * raw < 0.05)
    assert second.test == (
        f"corrected resampled t-test over n = 3 folds (Nadeau and Bengio 2003), p = {raw:.2g}; "
        "a signed-rank test on 3 folds could never go below p = 0.25"
    )
