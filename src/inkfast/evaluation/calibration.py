"""Does 90 % sure mean right nine times out of ten?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Labels
from inkfast.core.errors import InkfastError

BINS = 15
_TINY = 1e-300  # keeps logarithms finite


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equal-width bins of confidence.

    Attributes:
        edges: ``(bins + 1,)``.
        counts: ``(bins,)`` digits in each bin.
        confidence: ``(bins,)`` mean confidence, NaN in an empty bin.
        accuracy: ``(bins,)`` share right, NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(probabilities: NDArray[np.float64], labels: Labels) -> Reliability:
    """Sort answers into bins by their confidence; a bin holds its upper edge, not its lower."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, confidence, BINS) / counts
        accuracy = np.bincount(place, right, BINS) / counts
    return Reliability(edges, counts.astype(np.int64), mean, accuracy)


def expected_calibration_error(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """Return the mean distance of confidence from accuracy over the bins, weighted by count.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, equation 3.
    """
    bins = reliability(probabilities, labels)
    gaps = np.abs(bins.accuracy - bins.confidence)
    return float(np.nansum(bins.counts * gaps) / bins.counts.sum())


def fit_temperature(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """Return the temperature that makes confidence fit accuracy best, by likelihood.

    Logits are divided by it: above 1 is less sure. Where no digit is read wrong, likelihood sets
    no bound to it, and confidence stays as it is. Source: Guo et al. (2017), section 4.2.

    Args:
        probabilities: ``(n, 10)`` of digits that the model was not trained on.
        labels: ``(n,)``.

    Raises:
        InkfastError: If there are no digits.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        raise InkfastError("no calibration digits: expected at least one labelled digit, got 0.")

    if (probabilities.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = apply_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(scaled[np.arange(len(labels)), labels].clip(_TINY)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Return the probabilities after their logits were divided by a temperature."""
    logits = np.log(probabilities.clip(_TINY)) / temperature
    raised: NDArray[np.float64] = np.exp(logits - logits.max(axis=1, keepdims=True))
    raised /= raised.sum(axis=1, keepdims=True)
    return raised
