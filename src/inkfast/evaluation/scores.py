"""Scores of probabilities against labels; an undefined score is NaN, never 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, Labels
from inkfast.evaluation.calibration import expected_calibration_error

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """Scores of one model on one labelled set of digits.

    Attributes:
        n: Number of digits.
        accuracy: Share of correct predictions, in [0, 1].
        loss: Mean cross-entropy in nats.
        macro_f1: Mean F1 over the classes; NaN if one is undefined.
        ece: Expected calibration error, 15 equal-width bins, in [0, 1].
        precision: ``(10,)``; NaN for a class that is never predicted.
        recall: ``(10,)``; NaN for a class that never occurs.
        f1: ``(10,)``; NaN for a class that neither occurs nor is predicted.
        support: ``(10,)`` number of digits of each class.
        confusion: ``(10, 10)`` counts, row is the label, column the prediction.
    """

    n: int
    accuracy: float
    loss: float
    macro_f1: float
    ece: float
    precision: Floats
    recall: Floats
    f1: Floats
    support: NDArray[np.int64]
    confusion: NDArray[np.int64]


def score(probabilities: Floats, labels: Labels) -> Scores:
    """Score class probabilities ``(n, 10)`` against labels ``(n,)``."""
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support

    classes = np.arange(CLASSES)
    predictions = probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predictions, labels=classes, zero_division=np.nan
    )
    return Scores(
        n=len(labels),
        accuracy=float((predictions == labels).mean()),
        loss=float(log_loss(labels, probabilities, labels=classes)),
        macro_f1=float(f1.mean()),
        ece=expected_calibration_error(probabilities, labels),
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        confusion=confusion_matrix(labels, predictions, labels=classes),
    )
