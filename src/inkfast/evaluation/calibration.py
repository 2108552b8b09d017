"""Does 90 % sure mean right nine times out of ten?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.data.digits import Labels

BINS = 15


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
    counts: Labels
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
