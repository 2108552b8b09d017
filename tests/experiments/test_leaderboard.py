"""The leaderboard: order, ties and paired seeds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn

from inkfast.experiments.config import from_settings
from inkfast.experiments.leaderboard import build_leaderboard
from inkfast.experiments.runner import FitResult, RunResult


@pytest.fixture
def board(dataset):
    """Return a function that ranks the models mlp and cnn from their test probabilities."""
    experiment = from_settings({"models": ["mlp", "cnn"], "noise": "none"})
    digits = dataset(experiment)

    def rank(mlp, cnn):
        fits = [
            FitResult(model_spec, SimpleNamespace(seed=0, model=nn.Linear(2, 2)), probabilities)
            for model_spec, probabilities in zip(experiment.models, (mlp, cnn), strict=True)
        ]
        return build_leaderboard(RunResult(experiment, digits, fits))

    return digits.test.known_labels, rank


def predictions(labels, confidence, wrong=0):
    """Return probabilities that give each label a confidence, the first `wrong` to another class."""
    classes = np.append((labels[:wrong] + 1) % 10, labels[wrong:])
    rest = (1 - confidence) / 9
    return np.full((len(labels), 10), rest) + np.eye(10)[classes] * (confidence - rest)


def test_the_higher_accuracy_comes_first_whatever_the_loss(board):
    """A model with more correct predictions and a higher loss is ranked first."""
    labels, rank = board
    rows = rank(predictions(labels, 0.99, wrong=1), predictions(labels, 0.3)).rows
    assert rows[0].mean("loss") > rows[1].mean("loss")
    assert [row.name for row in rows] == ["cnn", "mlp"]


def test_ties_in_accuracy_go_to_the_lower_loss(board):
    """Of two models with equal accuracy the more confident one is first, in either order."""
    labels, rank = board
    sure, unsure = predictions(labels, 0.9, wrong=3), predictions(labels, 0.6, wrong=3)
    for mlp, cnn, best in ((sure, unsure, "mlp"), (unsure, sure, "cnn")):
        rows = rank(mlp, cnn).rows
        assert rows[0].mean("accuracy") == rows[1].mean("accuracy")
        assert rows[0].mean("loss") < rows[1].mean("loss")
        assert rows[0].name == best
