"""Answering only when sure enough, with a promise about the errors among the answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import MIN_CONFIDENCE, Labels
from inkfast.core.errors import InkfastError, check_number

DELTA = 0.05  # the chance that a promise does not hold, over the draw of the calibration digits
# Fixed before any digit was seen, as the proof wants it: from 99.999 % sure down to `LEAST`.
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(11.5, np.log(MIN_CONFIDENCE / (1 - MIN_CONFIDENCE)), 24)))


@dataclass(frozen=True)
class RiskGuarantee:
    """At which confidence to answer, and what that promises.

    Attributes:
        max_error: Bound on the share of wrong answers among all answers, in [0, 1].
        threshold: Least confidence with which to answer; `inf` when nothing can be promised.
        n: Calibration digits.
        coverage: Share of them that is answered.
        error: Share wrong among those; NaN when none is answered.
    """

    max_error: float
    threshold: float
    n: int
    coverage: float
    error: float


def fit_threshold(
    probabilities: NDArray[np.float64], labels: Labels, max_error: float
) -> RiskGuarantee:
    """Find the lowest confidence at which answers are wrong at most that often.

    For digits drawn as the calibration digits were, the promise holds with a confidence of 95 %,
    whatever the model, so long as the calibration digits neither trained nor chose it. Source:
    Angelopoulos, Bates, Candes, Jordan and Lei (2021), Learn then Test, with exact binomial
    p-values and Bonferroni's correction over a fixed list of thresholds: given how many digits are
    answered, the number of errors among them is binomial.

    Args:
        probabilities: ``(n, 10)`` of the calibration digits.
        labels: ``(n,)``.
        max_error: In (0, 1).

    Raises:
        InkfastError: If there are no digits.
    """
    from scipy.stats import binom

    check_number("max_error", max_error, above=0, high=0.999)
    if not len(labels):
        raise InkfastError("no calibration digits: expected at least one labelled digit, got 0.")
    sure, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    answered = np.array([np.sum(sure >= threshold) for threshold in THRESHOLDS])
    errors = np.array([np.sum(wrong & (sure >= threshold)) for threshold in THRESHOLDS])
    kept = binom.cdf(errors, answered, max_error) <= DELTA / len(THRESHOLDS)
    if not kept.any():
        return RiskGuarantee(max_error, float("inf"), len(labels), 0.0, float("nan"))
    best = int(np.flatnonzero(kept)[np.argmin(THRESHOLDS[kept])])
    return RiskGuarantee(
        max_error,
        float(THRESHOLDS[best]),
        len(labels),
        answered[best] / len(labels),
        errors[best] / answered[best],
    )


def coverage_and_error(
    probabilities: NDArray[np.float64], labels: Labels, threshold: float
) -> tuple[float, float]:
    """Return the share answered and the share wrong among the answers, NaN when there is none."""
    sure = probabilities.max(axis=1) >= threshold
    if not sure.any():
        return 0.0, float("nan")
    return float(sure.mean()), float((probabilities.argmax(axis=1) != labels)[sure].mean())


def prediction_sets(
    probabilities: NDArray[np.float64], labels: Labels, level: float
) -> tuple[float, float]:
    """Return how often a digit's label set holds its label, and how many labels it has on average.

    Args:
        probabilities: ``(n, 10)``.
        labels: ``(n,)``.
        level: See `label_set_level`.
    """
    sets = probabilities >= level
    return float(sets[np.arange(len(labels)), labels].mean()), float(sets.sum(axis=1).mean())


def prediction_set_threshold(
    probabilities: NDArray[np.float64], labels: Labels, coverage: float
) -> float:
    """Return the least probability a label must have to be in a conformal label set.

    The set of all labels at least as probable holds the true one with a chance of at least
    `coverage`, over calibration and new digits drawn alike. Source: Sadinle, Lei and Wasserman
    (2019), Least Ambiguous Set-Valued Classifiers; split conformal prediction.

    Args:
        probabilities: ``(n, 10)`` of calibration digits.
        labels: ``(n,)``.
        coverage: In (0, 1).

    Raises:
        InkfastError: If there are too few digits for so high a coverage.
    """
    check_number("coverage", coverage, above=0, high=0.9999)
    n = len(labels)
    rank = int(np.ceil((n + 1) * coverage))
    if rank > n:
        raise InkfastError(
            f"a coverage of {coverage:g} needs at least {_least(coverage)} calibration digits, "
            f"got {n}."
        )
    given = probabilities[np.arange(n), labels]
    return float(np.sort(given)[::-1][rank - 1])


def _least(coverage: float) -> int:
    """Return the fewest digits with which a label set can cover that much."""
    n = int(coverage / (1 - coverage))  # from below: in floats 0.9 / (1 - 0.9) is above 9
    while int(np.ceil((n + 1) * coverage)) > n:
        n += 1
    return n
