"""What tests of experiments share: digits of an experiment on the strokes, and a tiny run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from inkfast import cli
from inkfast.core.digits import Source
from inkfast.experiments.config import from_settings
from inkfast.experiments.dataset import split_source
from inkfast.experiments.run_folder import claim_run, fit_folder
from inkfast.experiments.runner import run_experiment
from tests.conftest import make_strokes

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


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """Return the folder of a run of two small models on bars; its digits lie beside it."""
    folder = tmp_path_factory.mktemp("robust")
    strokes = make_strokes()
    np.savez(folder / "bars.npz", images=strokes.images, labels=strokes.labels)
    words = [
        "compare", "--data", folder / "bars.npz", "--models", "mlp(hidden=[24]),knn",
        "--noise", "gaussian(sigma=0.1)", "--out", folder / "run", "--seeds", "2", "--epochs", "4",
        "--set", "min_epoch_images=3000", "--set", "precision=fp32", "--set", "validation=0.2",
        "--threads", "1",
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["inkfast", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
    assert not exit_.value.code
    return folder / "run"
