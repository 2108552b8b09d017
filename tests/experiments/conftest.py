"""What tests of experiments share: digits of an experiment on the strokes, and a tiny run."""

from __future__ import annotations

import pytest

from inkfast.core.digits import Source
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.experiments.run_folder import claim_run, fit_folder
from inkfast.experiments.runner import run_experiment

TINY = {
    "name": "tiny",
    "data": "strokes",
    "noise": "gaussian(sigma=0.3)",
    "models": ["mlp(hidden=[8])", "cnn(layers='C8(5)/2-GMP')"],
    "threads": 1,
    "recipe": {"epochs": 2, "batch_size": 50, "min_epoch_images": 0, "precision": "fp32"},
}


@pytest.fixture
def dataset(strokes):
    """Return a function that gives the digits of an experiment on the strokes."""
    return lambda experiment: split_source(experiment, Source(strokes, None, "strokes"))


@pytest.fixture
def tiny_run(dataset):
    """Return a function that trains one small network in a folder: (experiment, folder of its fit)."""

    def make(out):
        experiment = from_settings(
            TINY | {"data": "synthetic", "models": ["mlp(hidden=[4])"], "noise": "none"}
        )
        digits = dataset(experiment)
        claim_run(out, experiment, digits.fingerprints(), resume=False, overwrite=False)
        run_experiment(experiment, digits, out)
        return experiment, fit_folder(out, experiment.models[0], 0)

    return make
