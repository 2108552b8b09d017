"""Corrected digits: what views, examples and images without a digit do."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.adaptation.corrected_digits import (
    NO_DIGIT,
    CorrectedDigits,
    distance_between_classes,
)
from inkfast.adaptation.last_layer import SplitNetwork
from inkfast.inference.onnx_classifier import OnnxClassifier
from tests.adaptation.hands import draw_hand, fitted_weights, network

ROWS = np.arange(30)


@pytest.fixture(scope="module")
def corrected() -> CorrectedDigits:
    """Return digits of a hand with two views each; the last shows no digit."""
    content = network(fitted_weights())
    images, labels = draw_hand(30, seed=1)
    views = [np.stack([image, image[::-1]]) for image in images]
    return CorrectedDigits(
        SplitNetwork(content, "means"), OnnxClassifier(content, "means"), views,
        np.where(ROWS == 29, NO_DIGIT, labels),
    )  # fmt: skip


def test_examples_are_views_of_digits(corrected):
    """Every view of a fitted image with a digit is an example that votes for its class alone."""
    layer = corrected.fit(np.array([0, 3, 29]), 1.0)
    assert len(layer.votes.examples) == 4
    assert layer.votes.values.argmax(axis=1).tolist() == [0, 0, 3, 3]
    assert (np.count_nonzero(layer.votes.values, axis=1) == 1).all()


def test_fitted_digits_are_read(corrected):
    """What was fitted is likelier and read better than before; no digit is never right."""
    layer = corrected.fit(ROWS, 1.0)
    assert corrected.losses(layer, ROWS).mean() < corrected.losses(corrected.shipped, ROWS).mean()
    before, after = (
        corrected.answers(one, ROWS, 1.0, 0.9)[1] for one in (corrected.shipped, layer)
    )
    assert after.sum() < before.sum()
    assert after[29]
    assert before[29]


def test_an_unsure_first_view_gives_way(corrected):
    """At a low threshold the first view counts; at a high one, the most confident view."""
    low, high = (corrected.answers(corrected.shipped, ROWS, 1.0, t)[0] for t in (0.0, 1.0))
    assert (high >= low).all()
    assert (high > low).any()


def test_the_distance_is_to_another_class():
    """It is the median over digits of the distance to the nearest one of another class."""
    unit = np.array([[1.0, 0], [1, 0], [0, 1], [1, 1]])
    assert distance_between_classes(unit, np.array([0, 0, 1, 2])) == pytest.approx(1 - 0.5**0.5)
