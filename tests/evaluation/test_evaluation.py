"""Scores, calibration and significance tests, compared with other libraries and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from inkfast.core.intervals import wilson_interval
from inkfast.evaluation import (
    all_tests,
    compare_models,
    deciding_p,
    reliability,
    score,
)
from inkfast.evaluation.difference import holm, mcnemar, paired_t, paired_z


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities that are right about 80 % of the time, and labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 2000)
    logits = rng.normal(size=(2000, 10))
    logits[np.arange(2000), labels] += 2.5
    exp = np.exp(logits)
    return exp / exp.sum(axis=1, keepdims=True), labels


def test_scores_are_their_definitions(judged):
    """Accuracy, loss, F1, confusion and support agree with plain arithmetic."""
    probabilities, labels = judged
    scores = score(probabilities, labels)
    answers = probabilities.argmax(axis=1)
    assert scores.accuracy == (answers == labels).mean()
    assert scores.loss == pytest.approx(-np.log(probabilities[np.arange(2000), labels]).mean())
    assert scores.macro_f1 == pytest.approx(f1_score(labels, answers, average="macro"))
    assert scores.confusion.sum() == 2000
    assert scores.confusion[3, 5] == ((labels == 3) & (answers == 5)).sum()
    assert scores.support.tolist() == np.bincount(labels).tolist()
    assert scores.recall[4] == pytest.approx(scores.confusion[4, 4] / scores.confusion[4].sum())
    assert scores.precision[4] == pytest.approx(
        scores.confusion[4, 4] / scores.confusion[:, 4].sum()
    )


def test_undefined_is_nan():
    """A class that neither occurs nor is predicted has NaN precision, recall and F1."""
    probabilities = np.eye(10)[[1, 2, 2]]
    scores = score(probabilities, np.array([1, 2, 3]))
    assert np.isnan([scores.precision[7], scores.recall[7], scores.f1[7], scores.macro_f1]).all()
    assert np.isnan(scores.precision[3])
    assert scores.recall[3] == 0


def slow_ece(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return Guo et al.'s ECE bin by bin, (low, high] as theirs."""
    total = 0.0
    for low in range(15):
        sure = probabilities.max(axis=1)
        inside = (sure > low / 15) & (sure <= (low + 1) / 15)
        if inside.any():
            right = probabilities[inside].argmax(axis=1) == labels[inside]
            total += inside.mean() * abs(right.mean() - sure[inside].mean())
    return total


def test_calibration_error_agrees_with_the_definition(judged):
    """ECE equals the sum over bins, and is near 0 for calibrated probabilities."""
    probabilities, labels = judged
    assert score(probabilities, labels).ece == pytest.approx(
        slow_ece(probabilities, labels), abs=1e-9
    )
    rng = np.random.default_rng(1)
    drawn = np.array([rng.choice(10, p=p) for p in probabilities])
    assert score(probabilities, drawn).ece < 0.03
    certain = np.eye(10)[drawn]
    assert score(certain, drawn).ece == 0
    assert score(certain, (drawn + 1) % 10).ece == 1


def test_reliability_counts_every_digit_once(judged):
    """All digits are in a bin; empty bins are NaN."""
    bins = reliability(*judged)
    assert bins.counts.sum() == 2000
    assert np.isnan(bins.accuracy[bins.counts == 0]).all()
    assert bins.counts[0] == 0
    assert np.isnan(bins.confidence[0])


def test_a_bin_holds_its_upper_edge():
    """A confidence on the edge of two bins is counted in the lower one."""
    edges = np.linspace(0, 1, 16)
    for place in range(3, 15):
        answers = np.full((1, 10), (1 - edges[place]) / 9)
        answers[0, 0] = edges[place]
        assert np.flatnonzero(reliability(answers, np.zeros(1, int)).counts) == [place - 1]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(counts):
    """The interval equals scipy's for every number of successes."""
    k, n = counts
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson_interval(k / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_mcnemar_is_the_binomial_test():
    """Only digits on which the models disagree count; without any, p is 1."""
    a, b = np.zeros(1000, bool), np.zeros(1000, bool)
    a[:30], b[20:35] = True, True
    assert mcnemar(a, b) == pytest.approx(stats.binomtest(20, 25).pvalue)
    assert mcnemar(a, a) == 1


def test_false_alarms_keep_their_rate():
    """Two equally good models differ significantly in at most about 5 % of 400 simulations."""
    rng = np.random.default_rng(3)
    alarms = {"z": 0, "mcnemar": 0, "t": 0}
    for _ in range(400):
        hard = rng.random(800)
        a, b = (rng.random((3, 800)) > 0.3 * hard for _ in "ab")
        alarms["z"] += paired_z(a, b) < 0.05
        alarms["mcnemar"] += mcnemar(a[0], b[0]) < 0.05
        alarms["t"] += paired_t(a.mean(axis=1), b.mean(axis=1)) < 0.05
    assert max(alarms.values()) < 400 * 0.085
    assert min(alarms.values()) > 0


def test_a_real_difference_is_found_and_named():
    """The better model is named first, with n and both tests for several seeds."""
    rng = np.random.default_rng(4)
    right = {
        "weak": rng.random((3, 5000)) < 0.90, "strong": rng.random((3, 5000)) < 0.97,
        "twin": rng.random((3, 5000)) < 0.97,
    }  # fmt: skip
    found = {c.worse: c for c in compare_models(right)}
    best = next(iter(found.values())).better
    assert best in ("strong", "twin")
    assert found["weak"].real
    assert found["weak"].difference == pytest.approx(0.07, abs=0.01)
    assert "n = 5,000 test digits" in found["weak"].tests[0]
    assert "n = 3 seeds" in found["weak"].tests[1]
    other = ({"strong", "twin"} - {best}).pop()
    assert not found[other].real
    assert deciding_p(found["weak"]) == "p = 0.0069 after Holm's adjustment over 3 pairs of models"
    assert all_tests(found["weak"]).endswith("; " + deciding_p(found["weak"]))


def test_one_seed_names_mcnemar():
    """For one seed the test is McNemar's, with its number of disagreements."""
    rng = np.random.default_rng(5)
    right = {"a": rng.random((1, 1000)) < 0.95, "b": rng.random((1, 1000)) < 0.85}
    (comparison,) = compare_models(right)
    assert comparison.tests[0].startswith("McNemar's exact test, one seed, n = 1,000 test digits")
    assert comparison.p_value == pytest.approx(mcnemar(right["a"][0], right["b"][0]))
    assert deciding_p(comparison) == "p < 0.001"  # of a single pair nothing is adjusted
    assert all_tests(comparison) == comparison.tests[0]


def test_both_kinds_of_chance_must_be_sure():
    """The larger p decides: significance over images or over seeds alone is not enough."""
    few, many = np.zeros((3, 10), bool), np.zeros((2, 4000), bool)
    few[:, 0] = few[2, 1] = True  # each seed is better, on hardly any image
    none = np.zeros_like(few)
    few[0, 2:4] = few[1, 2] = few[2, 2:4] = True
    many[0, :200], other = True, np.zeros_like(many)  # one seed is far better, the other is not
    other[0, 0] = True
    for a, b in ((few, none), (many, other)):
        over_images, over_seeds = paired_z(a, b), paired_t(a.mean(axis=1), b.mean(axis=1))
        assert (over_images < 0.05) != (over_seeds < 0.05)
        (comparison,) = compare_models({"a": a, "b": b})
        assert comparison.p_value == max(over_images, over_seeds)
        assert not comparison.real


def test_a_test_has_two_sides():
    """The p-value does not depend on the order of the models."""
    rng = np.random.default_rng(8)
    a, b = rng.random((3, 400)) < 0.95, rng.random((3, 400)) < 0.90
    assert paired_z(a, b) == paired_z(b, a) < 0.5
    assert mcnemar(a[0], b[0]) == mcnemar(b[0], a[0])
    assert paired_t(a.mean(axis=1), b.mean(axis=1)) == paired_t(b.mean(axis=1), a.mean(axis=1))


def test_t_test_without_spread():
    """Equal differences over the seeds give p = 1 without a division by zero."""
    assert paired_t(np.array([0.5, 0.6]), np.array([0.5, 0.6])) == 1
    assert paired_t(np.array([0.5, 0.75]), np.array([0.25, 0.5])) == 1


def test_many_equal_models_are_seldom_called_different():
    """The best of six equal models is significantly better in at most about 5 % of the runs."""
    rng = np.random.default_rng(6)
    alarms = 0
    for _ in range(200):
        hard = rng.random(600)
        right = {name: (rng.random((1, 600)) > 0.4 * hard) for name in "abcdef"}
        alarms += any(comparison.real for comparison in compare_models(right))
    assert alarms <= 200 * 0.085


def test_holm_is_the_published_procedure():
    """The smallest p is multiplied by the number of tests, the next by one less; the order is kept."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []
