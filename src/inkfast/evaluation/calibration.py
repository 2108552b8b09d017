"""Calibration: whether answers with a confidence of 90 % are right nine times out of ten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Labels
from inkfast.core.errors import InkfastError

BINS = 15
MAX_TEMPERATURE = 20.0  # a fitted temperature lies between its inverse and this
_TINY = 1e-300  # keeps logarithms finite


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equal-width bins of confidence.

    Attributes:
        edges: ``(bins + 1,)``.
        counts: ``(bins,)`` number of digits in each bin.
        confidence: ``(bins,)`` mean confidence, NaN in an empty bin.
        accuracy: ``(bins,)`` share of correct predictions, NaN in an empty bin.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def reliability(probabilities: NDArray[np.float64], labels: Labels) -> Reliability:
    """Count predictions in bins of confidence; a bin includes its upper edge, not its lower one."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(bins, confidence, BINS) / counts
        accuracy = np.bincount(bins, correct, BINS) / counts
    return Reliability(edges, counts.astype(np.int64), mean, accuracy)


def expected_calibration_error(probabilities: NDArray[np.float64], labels: Labels) -> float:
    """Return the mean distance of confidence from accuracy over the bins, weighted by count.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, equation 3.
    """
    bins = reliability(probabilities, labels)
    gaps = np.abs(bins.accuracy - bins.confidence)
    return float(np.nansum(bins.counts * gaps) / bins.counts.sum())


def fit_temperature(logits: NDArray[np.float64], labels: Labels) -> float:
    """Return the temperature under which the labels are most likely.

    Logits are divided by it; above 1, confidence falls. Where every label has the highest logit,
    the likelihood has no maximum, and the temperature is 1. Source: Guo et al. (2017), section 4.2.

    Args:
        logits: Float64 ``(n, classes)`` of digits that the model was not trained on.
        labels: Column of the right class, int64 ``(n,)``.

    Raises:
        InkfastError: If there are no digits.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(labels):
        raise InkfastError("no calibration digits: expected at least one labelled digit, got 0.")
    if (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    bounds = np.log(1 / MAX_TEMPERATURE), np.log(MAX_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def apply_temperature(
    probabilities: NDArray[np.float64], temperature: float
) -> NDArray[np.float64]:
    """Return the probabilities whose logits are divided by a temperature."""
    from scipy.special import softmax

    return np.asarray(softmax(to_logits(probabilities) / temperature, axis=1))


def to_logits(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logits of which the probabilities are the softmax."""
    logits: NDArray[np.float64] = np.log(probabilities.clip(_TINY))
    return logits
