"""Selective prediction: answers above a threshold, with a guarantee on the errors among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import MIN_CONFIDENCE, Labels
from inkfast.core.errors import InkfastError, check_number

DELTA = 0.05  # chance that a guarantee fails, over the draw of the calibration digits
# Shares of errors that are tried, in turn, where the one asked for cannot be guaranteed.
LARGER_ERRORS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# The proof requires candidates that are fixed before any digit is seen: from a confidence of
# 99.999 % down to MIN_CONFIDENCE, evenly spaced in log-odds.
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(11.5, np.log(MIN_CONFIDENCE / (1 - MIN_CONFIDENCE)), 24)))


@dataclass(frozen=True)
class RiskGuarantee:
    """A confidence threshold and the bound on errors that holds above it.

    Attributes:
        max_error: Bound on the share of wrong answers among all answers, in [0, 1].
        threshold: Least confidence of an answer; `inf` if no threshold can be guaranteed.
        n: Number of calibration digits or numbers.
        coverage: Share of them that is answered.
        error: Share of wrong answers among those; NaN if none is answered.
    """

    max_error: float
    threshold: float
    n: int
    coverage: float
    error: float


def fit_threshold(
    probabilities: NDArray[np.float64], labels: Labels, max_error: float
) -> RiskGuarantee:
    """Return the lowest threshold above which at most a share of `max_error` answers is wrong.

    The guarantee holds with a confidence of 95 % for digits drawn as the calibration digits were,
    whatever the model, provided that the calibration digits neither trained nor chose it. Given
    the number of answers, the number of errors among them is binomial.

    Args:
        probabilities: Float64 ``(n, 10)`` of the calibration digits.
        labels: Int64 ``(n,)``.
        max_error: Bound on the share of errors, in (0, 1).

    Raises:
        InkfastError: If there are no digits.

    Source: Angelopoulos, Bates, Candes, Jordan and Lei (2021), Learn then Test, with exact binomial
    p-values and Bonferroni's correction over `THRESHOLDS`.
    """
    if not len(labels):
        raise InkfastError("no calibration digits: expected at least one labelled digit, got 0.")
    return fit_answer_threshold(
        probabilities.max(axis=1), probabilities.argmax(axis=1) != labels, max_error
    )


def fit_answer_threshold(
    confidence: NDArray[np.float64], wrong: NDArray[np.bool_], max_error: float
) -> RiskGuarantee:
    """Return the lowest threshold above which at most a share of `max_error` answers is wrong.

    The same guarantee as that of `fit_threshold`, for answers of any kind.

    Args:
        confidence: Float64 ``(n,)`` of the calibration rows, at least one.
        wrong: Whether each answer is wrong, bool ``(n,)``.
        max_error: Bound on the share of errors, in (0, 1).
    """
    from scipy.stats import binom

    check_number("max_error", max_error, above=0, high=0.999)
    answered = np.array([np.sum(confidence >= threshold) for threshold in THRESHOLDS])
    errors = np.array([np.sum(wrong & (confidence >= threshold)) for threshold in THRESHOLDS])
    valid = binom.cdf(errors, answered, max_error) <= DELTA / len(THRESHOLDS)
    if not valid.any():
        return RiskGuarantee(max_error, float("inf"), len(wrong), 0.0, float("nan"))
    best = int(np.flatnonzero(valid)[np.argmin(THRESHOLDS[valid])])
    return RiskGuarantee(
        max_error,
        float(THRESHOLDS[best]),
        len(wrong),
        answered[best] / len(wrong),
        errors[best] / answered[best],
    )


def fit_smallest_guarantee(
    confidence: NDArray[np.float64], wrong: NDArray[np.bool_], max_error: float
) -> RiskGuarantee:
    """Return the guarantee asked for, or else the next larger one that can be given.

    Trying several bounds costs no confidence: if a bound is broken, so are all smaller ones, and
    their p-values are larger. If no bound can be given, the guarantee asked for is returned, with
    a threshold of `inf`.

    Args:
        confidence: See `fit_answer_threshold`.
        wrong: See `fit_answer_threshold`.
        max_error: Bound on the share of errors that is asked for, in (0, 1).
    """
    asked = fit_answer_threshold(confidence, wrong, max_error)
    if asked.threshold <= 1:
        return asked
    larger = (
        fit_answer_threshold(confidence, wrong, error)
        for error in LARGER_ERRORS
        if error > max_error
    )
    return next((one for one in larger if one.threshold <= 1), asked)


def coverage_and_error(
    probabilities: NDArray[np.float64], labels: Labels, threshold: float
) -> tuple[float, float]:
    """Return the share of digits answered and the share of wrong answers, NaN if there are none."""
    answered = probabilities.max(axis=1) >= threshold
    if not answered.any():
        return 0.0, float("nan")
    wrong = probabilities.argmax(axis=1) != labels
    return float(answered.mean()), float(wrong[answered].mean())


def set_coverage_and_size(
    probabilities: NDArray[np.float64], labels: Labels, threshold: float
) -> tuple[float, float]:
    """Return the share of prediction sets that hold the label, and their mean number of classes.

    Args:
        probabilities: Float64 ``(n, 10)``.
        labels: Int64 ``(n,)``.
        threshold: Least probability of a class in a set, see `prediction_set_threshold`.
    """
    sets = probabilities >= threshold
    return float(sets[np.arange(len(labels)), labels].mean()), float(sets.sum(axis=1).mean())


def prediction_set_threshold(
    probabilities: NDArray[np.float64], labels: Labels, coverage: float
) -> float:
    """Return the least probability of a class in a conformal prediction set.

    The set of all classes at least as probable holds the true one with a chance of at least
    `coverage`, over calibration digits and new ones from the same distribution.

    Args:
        probabilities: Float64 ``(n, 10)`` of the calibration digits.
        labels: Int64 ``(n,)``.
        coverage: Chance that a set holds the label, in (0, 1).

    Raises:
        InkfastError: If there are too few digits for this coverage.

    Source: Sadinle, Lei and Wasserman (2019), Least Ambiguous Set-Valued Classifiers; split
    conformal prediction.
    """
    check_number("coverage", coverage, above=0, high=0.9999)
    n = len(labels)
    rank = int(np.ceil((n + 1) * coverage))
    if rank > n:
        raise InkfastError(
            f"a coverage of {coverage:g} needs at least {_min_digits(coverage)} calibration "
            f"digits, got {n}."
        )
    true_class = probabilities[np.arange(n), labels]
    return float(np.sort(true_class)[::-1][rank - 1])


def _min_digits(coverage: float) -> int:
    """Return the least number of calibration digits for a coverage."""
    n = int(coverage / (1 - coverage))  # from below: in floats 0.9 / (1 - 0.9) is above 9
    while int(np.ceil((n + 1) * coverage)) > n:
        n += 1
    return n
