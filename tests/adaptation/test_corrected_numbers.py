"""Corrected numbers: the loss of CTC, its gradient, and what a network learns of a hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from inkfast.adaptation.corrected_numbers import CorrectedNumbers, draw_strips
from inkfast.adaptation.last_layer import LastLayer
from inkfast.inference.numbers import ALPHABET

LABELS = len(ALPHABET) + 1


class Columns:
    """A network whose features are the means of the rows of each frame of a strip."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.layer = LastLayer(0.1 * rng.normal(size=(11, LABELS)))

    def features(self, strips):
        frames = strips.shape[2] // 4
        cut = strips[:, :, : 4 * frames].reshape(len(strips), 10, 4, frames, 4)
        return cut.mean(axis=(2, 4)).swapaxes(1, 2) / 255.0


@pytest.fixture(params=[False, True])
def corrected(request) -> CorrectedNumbers:
    rng = np.random.default_rng(0)
    return CorrectedNumbers(
        Columns(rng), draw_strips()[:6], ["12", "", "7", "005", "40", "31"], 1.0,
        digits_only=request.param,
    )  # fmt: skip


def test_the_gradient_is_that_of_the_loss(corrected):
    """The gradient of every term is what finite differences give, with signs and without."""
    weights = corrected.shipped.weights
    for term in corrected._terms(np.arange(3)):
        features, loss = term

        def value(flat, features=features, loss=loss):
            return loss(features @ flat.reshape(weights.shape))[0]

        def gradient(flat, features=features, loss=loss):
            return (features.T @ loss(features @ flat.reshape(weights.shape))[1]).ravel()

        assert check_grad(value, gradient, weights.ravel()) < 1e-3


def test_fitting_makes_texts_likely(corrected):
    """The texts of fitted strips become more probable; the same weights come out again."""
    rows = np.arange(4)
    layer = corrected.fit(rows, 1.0)
    assert corrected.losses(layer, rows).sum() < corrected.losses(corrected.shipped, rows).sum()
    np.testing.assert_array_equal(layer.weights, corrected.fit(rows, 1.0).weights)


def test_answers_are_compared_with_texts(corrected):
    """An answer is wrong unless it is the corrected text."""
    confidence, wrong = corrected.answers(corrected.shipped, np.arange(6), 1.0, 0.5)
    assert confidence.shape == wrong.shape == (6,)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    corrected.texts = ["no such text"] * 6
    assert corrected.answers(corrected.shipped, np.arange(6), 1.0, 0.5)[1].all()
