"""Refitting a last layer: what is minimised, and what strength does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from inkfast.adaptation.refit import Term, cross_entropy, refit_weights, with_ones

RNG = np.random.default_rng(0)
FEATURES, LABELS = with_ones(RNG.normal(size=(200, 5))), RNG.integers(0, 3, 200)
TARGETS = np.eye(3)[LABELS]


def test_the_gradient_is_that_of_the_loss():
    """The gradient of the cross-entropy is what finite differences give."""
    loss = cross_entropy(TARGETS[:4], np.array([[1.0], [0.5], [2.0], [1.0]]))
    logits = RNG.normal(size=(4, 3))
    expected = approx_fprime(logits.ravel(), lambda z: loss(z.reshape(4, 3))[0], 1e-7)
    np.testing.assert_allclose(loss(logits)[1].ravel(), expected, atol=1e-5)


def test_without_shipped_weights_it_is_logistic_regression():
    """From weights of 0, the result is that of scikit-learn's ridge-penalised regression."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    penalty = np.array([0.7] * 5 + [1e-9])
    found = refit_weights(np.zeros((6, 3)), [Term(FEATURES, cross_entropy(TARGETS, 1.0))], penalty)
    model = linear_model.LogisticRegression(C=1 / 0.7, tol=1e-8).fit(FEATURES[:, :-1], LABELS)
    np.testing.assert_allclose(found[:-1], model.coef_.T, atol=2e-3)


def test_strength_holds_the_weights():
    """The stronger the penalty, the nearer the weights stay to the shipped ones."""
    shipped, term = RNG.normal(size=(6, 3)), Term(FEATURES, cross_entropy(TARGETS, 1.0))
    moved = [
        np.abs(refit_weights(shipped, [term], np.full(6, strength)) - shipped).sum()
        for strength in (0.1, 10.0, 1e6)
    ]
    assert moved[0] > moved[1] > 100 * moved[2]


def test_memory_keeps_answers():
    """A term with the shipped answers keeps them where corrections say something else."""
    shipped = RNG.normal(size=(6, 3))
    logits = FEATURES @ shipped
    kept = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = Term(FEATURES[:5], cross_entropy(np.eye(3)[(LABELS[:5] + 1) % 3], 1.0))
    memory = Term(FEATURES, cross_entropy(kept, 10.0))
    without, with_memory = (
        FEATURES @ refit_weights(shipped, terms, np.full(6, 0.01)) - logits
        for terms in ([wrong], [wrong, memory])
    )
    assert np.abs(with_memory).mean() < 0.1 * np.abs(without).mean()
