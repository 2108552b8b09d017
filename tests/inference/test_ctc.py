"""Sums over alignments, against enumeration of every path."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
from scipy.special import log_softmax

from inkfast.inference.ctc import text_posteriors

BLANK = 2
TEXTS = [[0, 0], [1], [], [0, 1, 0]]


def enumerate_paths(log_probs: np.ndarray, text: list[int]) -> tuple[float, np.ndarray]:
    """Return the log-likelihood of a text and the posteriors of labels, path by path."""
    total, posteriors = 0.0, np.zeros_like(log_probs)
    for path in product(range(BLANK + 1), repeat=len(log_probs)):
        if [label for label, _ in groupby(path) if label != BLANK] == text:
            mass = np.exp(sum(row[label] for row, label in zip(log_probs, path, strict=True)))
            total += mass
            posteriors[np.arange(len(path)), path] += mass
    return float(np.log(total)), posteriors / total


def test_posteriors_are_those_of_all_paths():
    """Likelihoods and posteriors are sums over all paths, also of a strip that ends earlier."""
    log_probs = log_softmax(np.random.default_rng(0).normal(size=(5, 4, 3)), axis=2)
    log_probs[3:, 1] = -np.inf, -np.inf, 0
    likelihood, posteriors = text_posteriors(log_probs, TEXTS)
    for row, text in enumerate(TEXTS):
        expected, shares = enumerate_paths(log_probs[:, row], text)
        np.testing.assert_allclose(likelihood[row], expected, rtol=1e-12)
        np.testing.assert_allclose(posteriors[:, row], shares, atol=1e-12)


def test_a_text_longer_than_its_frames_is_impossible():
    """Its likelihood is 0, and it pulls at nothing."""
    likelihood, posteriors = text_posteriors(np.full((2, 4, 3), np.log(1 / 3)), TEXTS)
    assert np.isneginf(likelihood[[0, 3]]).all()
    assert np.isfinite(likelihood[[1, 2]]).all()
    assert not posteriors[:, [0, 3]].any()
