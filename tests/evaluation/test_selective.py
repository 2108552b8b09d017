"""Temperature, risk guarantees and prediction sets: their guarantees are simulated."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import special

from inkfast.core.errors import InkfastError
from inkfast.evaluation.calibration import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    to_logits,
)
from inkfast.evaluation.selective import (
    THRESHOLDS,
    coverage_and_error,
    fit_answer_threshold,
    fit_smallest_guarantee,
    fit_threshold,
    prediction_set_threshold,
    set_coverage_and_size,
)


def answers(
    rng: np.random.Generator, n: int, temperature: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and labels drawn from them, then made `temperature` times too sure."""
    logits = rng.normal(size=(n, 10)) * 2
    logits[np.arange(n), rng.integers(0, 10, n)] += 7
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return special.softmax(temperature * logits, axis=1), labels


@pytest.mark.parametrize("temperature", [3.0, 0.3])
def test_temperature_undoes_false_confidence(temperature):
    """Logits three times too large get a temperature of three; too small ones likewise.

    Too small they are where labels were smoothed in training.
    """
    probabilities, labels = answers(np.random.default_rng(0), 20_000, temperature)
    found = fit_temperature(to_logits(probabilities), labels)
    assert found == pytest.approx(temperature, rel=0.05)
    before = expected_calibration_error(probabilities, labels)
    after = expected_calibration_error(apply_temperature(probabilities, found), labels)
    assert before > 0.03
    assert after < 0.01


def test_without_an_error_confidence_stays_as_it_is():
    """If no digit is wrong the temperature is 1, however few digits there are."""
    probabilities = np.full((20, 10), 0.02)
    probabilities[np.arange(20), np.arange(20) % 10] = 0.82
    assert fit_temperature(to_logits(probabilities), np.arange(20) % 10) == 1
    assert fit_temperature(to_logits(probabilities), np.append(np.arange(19) % 10, 0)) != 1


def test_a_temperature_is_at_most_20():
    """The temperature has an upper bound even if confident predictions are always wrong."""
    logits = np.tile([30.0, *[0.0] * 9], (50, 1))
    assert fit_temperature(logits, np.full(50, 1)) == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_heat_divides_logits(temperature):
    """The logarithm of a probability is its logit up to a constant, which softmax ignores."""
    probabilities = np.random.default_rng(6).dirichlet(np.ones(10), 500)
    expected = special.softmax(np.log(probabilities) / temperature, axis=1)
    np.testing.assert_allclose(apply_temperature(probabilities, temperature), expected, rtol=1e-9)


def test_heat_keeps_the_answer():
    """A temperature changes confidence, never the order of the labels."""
    probabilities, _ = answers(np.random.default_rng(1), 500)
    for temperature in (0.3, 1.0, 4.0):
        hot = apply_temperature(probabilities, temperature)
        np.testing.assert_array_equal(hot.argsort(axis=1), probabilities.argsort(axis=1))
        np.testing.assert_allclose(hot.sum(axis=1), 1)
    np.testing.assert_allclose(apply_temperature(probabilities, 1.0), probabilities, atol=1e-12)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_a_guarantee_fails_at_most_once_in_twenty(temperature):
    """Over 400 draws of calibration digits the true error exceeds the bound in at most 5 %."""
    rng = np.random.default_rng(2)
    everyone, truth = answers(rng, 200_000, temperature)
    broken = answered = 0
    for _ in range(400):
        rows = rng.integers(0, 100_000, 2000)
        kept = fit_threshold(everyone[rows], truth[rows], 0.03)
        coverage, error = coverage_and_error(everyone[100_000:], truth[100_000:], kept.threshold)
        broken += coverage > 0 and error > 0.03
        answered += coverage > 0.3
    assert broken <= 20
    assert answered > 350  # the bound is not kept by answering nothing


def test_a_guarantee_reports_coverage_and_error():
    """Both are those of the calibration digits; a stricter guarantee answers fewer digits."""
    probabilities, labels = answers(np.random.default_rng(3), 5000)
    loose, strict = (fit_threshold(probabilities, labels, error) for error in (0.05, 0.02))
    assert strict.threshold > loose.threshold
    for kept in (loose, strict):
        assert kept.threshold in THRESHOLDS
        assert (kept.coverage, kept.error) == coverage_and_error(
            probabilities, labels, kept.threshold
        )
        assert kept.error <= kept.max_error
        assert kept.n == 5000


def test_no_threshold_lies_below_one_half():
    """A digit more likely wrong than right is not answered, however many errors are allowed."""
    probabilities, labels = answers(np.random.default_rng(5), 5000)
    assert fit_threshold(probabilities, labels, 0.9).threshold == 0.5


def test_too_few_digits_guarantee_nothing():
    """With 20 digits no threshold can be shown to have at most one error in a thousand."""
    probabilities, labels = answers(np.random.default_rng(4), 20)
    kept = fit_threshold(probabilities, labels, 0.001)
    assert kept.threshold == float("inf")
    assert kept.coverage == 0
    assert np.isnan(kept.error)


def test_prediction_sets_are_counted():
    """Coverage is the share of sets that hold the label, size their mean number of classes."""
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    assert set_coverage_and_size(probabilities, np.array([1, 0, 2]), 0.3) == (2 / 3, 5 / 3)


def test_a_class_as_probable_as_the_threshold_is_in_the_set():
    """The threshold itself belongs to the set; the next smaller probability does not."""
    threshold = 0.3
    below = np.nextafter(threshold, 0)
    probabilities = np.array([[threshold, 1 - threshold], [below, 1 - below]])
    labels = np.zeros(2, int)
    assert set_coverage_and_size(probabilities, labels, threshold) == (0.5, 1.5)


def test_the_threshold_of_prediction_sets_is_a_rank():
    """It is the k-th greatest probability of a true class, k = ceil((n + 1) coverage)."""
    true_class = np.linspace(0.05, 0.95, 19)
    probabilities = np.column_stack([true_class, 1 - true_class])
    found = prediction_set_threshold(probabilities, np.zeros(19, int), 0.9)
    assert found == np.sort(true_class)[::-1][18 - 1]


def test_prediction_sets_hold_the_label_as_often_as_stated():
    """Over many draws the mean coverage is at least 95 % and not much more."""
    rng = np.random.default_rng(5)
    probabilities, labels = answers(rng, 60_000)
    held = []
    for _ in range(300):
        rows = rng.integers(0, 30_000, 200)
        threshold = prediction_set_threshold(probabilities[rows], labels[rows], 0.95)
        given = probabilities[np.arange(30_000, 60_000), labels[30_000:]]
        held.append(np.mean(given >= threshold))
    assert 0.945 < np.mean(held) < 0.965


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_the_digits_said_to_be_enough_are(coverage):
    """The number of digits in the message gives a threshold, one fewer does not."""
    with pytest.raises(InkfastError) as error:
        prediction_set_threshold(np.ones((0, 10)), np.zeros(0, int), coverage)
    n = int(re.search(r"at least (\d+)", str(error.value))[1])
    assert prediction_set_threshold(np.ones((n, 10)), np.zeros(n, int), coverage) == 1
    with pytest.raises(InkfastError):
        prediction_set_threshold(np.ones((n - 1, 10)), np.zeros(n - 1, int), coverage)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_threshold(np.zeros((0, 10)), np.zeros(0, int), 0.01), "no calibration digits"),
        (lambda: fit_temperature(np.zeros((0, 10)), np.zeros(0, int)), "no calibration digits"),
        (lambda: fit_threshold(np.eye(10), np.arange(10), 0.0), "`max_error` must be"),
        (lambda: fit_threshold(np.eye(10), np.arange(10), 1.0), "`max_error` must be"),
        (lambda: prediction_set_threshold(np.eye(10), np.arange(10), 0.99), "needs at least 99"),
        (lambda: prediction_set_threshold(np.eye(10), np.arange(10), 1.0), "`coverage` must be"),
    ],
)
def test_bad_calibration_is_explained(call, message):
    """No digits, too few digits and impossible shares are refused in one sentence."""
    with pytest.raises(InkfastError, match=message):
        call()


def test_a_confidence_equal_to_the_threshold_is_answered():
    """Fitting and evaluation agree: only a confidence below the threshold is not answered."""
    threshold = float(THRESHOLDS[20])
    probabilities = np.full((4000, 10), (1 - threshold) / 9)
    probabilities[:, 3] = threshold
    labels = np.full(4000, 3)
    assert coverage_and_error(probabilities, labels, threshold) == (1.0, 0.0)
    assert coverage_and_error(probabilities, labels, np.nextafter(threshold, 1))[0] == 0
    kept = fit_threshold(probabilities, labels, 0.05)
    assert (kept.threshold, kept.coverage) == (THRESHOLDS.min(), 1.0)
    wrong = fit_threshold(probabilities, labels + 1, 0.05)
    assert (wrong.threshold, wrong.coverage) == (float("inf"), 0.0)


def test_the_smallest_guarantee_is_the_one_asked_for_or_the_next_larger():
    """300 right answers guarantee 5 %, so 1 % becomes 5 % and 7 % stays; 8 answers guarantee nothing."""
    confidence, wrong = np.full(300, 0.999), np.zeros(300, bool)
    assert fit_answer_threshold(confidence, wrong, 0.02).threshold > 1
    found = [fit_smallest_guarantee(confidence, wrong, error) for error in (0.01, 0.07)]
    assert [one.max_error for one in found] == [0.05, 0.07]
    assert all(one.threshold <= 1 for one in found)
    nothing = fit_smallest_guarantee(confidence[:8], wrong[:8], 0.01)
    assert (nothing.max_error, nothing.threshold) == (0.01, float("inf"))
