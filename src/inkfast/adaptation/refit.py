"""Refitting a last layer: as far from the shipped weights as corrections ask for, and no further.

What the shipped network says of drawn digits is kept in, so that digits of other people are read as
before: learning without forgetting, Li and Hoiem (2016), arXiv:1606.09282.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from inkfast.adaptation.last_layer import Floats

LogitLoss: TypeAlias = Callable[[Floats], tuple[float, Floats]]
_STEPS = 30  # of L-BFGS, with which the weights were compared that are shipped


class Term(NamedTuple):
    """One part of what is minimised.

    Attributes:
        features: Features, the last of which is 1: float64 ``(rows, features + 1)``.
        loss: Function from logits ``(rows, classes)`` to the loss and its gradient.
    """

    features: Floats
    loss: LogitLoss


def with_ones(features: Floats) -> Floats:
    """Return features ``(rows, features)`` with a last column of ones."""
    return np.column_stack([features, np.ones(len(features))])


def refit_weights(shipped: Floats, terms: Sequence[Term], penalty: Floats) -> Floats:
    """Return weights that minimise the terms and the squared distance from the shipped weights.

    Args:
        shipped: Float64 ``(features + 1, classes)``.
        terms: What is minimised.
        penalty: Factor of half the squared distance for each feature, ``(features + 1,)``.
    """
    from scipy.optimize import minimize

    def objective(moved: Floats) -> tuple[float, Floats]:
        change = moved.reshape(shipped.shape)
        pull = penalty[:, None] * change
        value, gradient = 0.5 * float((pull * change).sum()), pull
        for features, loss in terms:
            cost, slope = loss(features @ (shipped + change))
            value, gradient = value + cost, gradient + features.T @ slope
        return value, gradient.ravel()

    found = minimize(
        objective, np.zeros(shipped.size), jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}
    )
    return np.asarray(shipped + found.x.reshape(shipped.shape))


def cross_entropy(
    targets: Floats, weight: Floats | float, offset: Floats | float = 0.0
) -> LogitLoss:
    """Return the cross-entropy of probabilities from targets, both ``(rows, classes)``.

    Args:
        targets: Probabilities.
        weight: Factor of each row ``(rows, 1)``, or of all.
        offset: What is added to the logits before.
    """
    from scipy.special import log_softmax

    def loss(logits: Floats) -> tuple[float, Floats]:
        log_probs = log_softmax(logits + offset, axis=1)
        gradient = weight * (np.exp(log_probs) - targets)
        return -float((weight * targets * log_probs).sum()), gradient

    return loss
