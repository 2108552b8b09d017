"""`inkfast train`: one model of single digits or of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast.cli import options
from inkfast.cli._settings import read_settings, settings_from_flags
from inkfast.cli._train_numbers import train_numbers
from inkfast.cli.compare import run_comparison
from inkfast.core.errors import InkfastError
from inkfast.experiments.number_experiment import is_number_model

# flags without a meaning for strips that are composed
_OF_DIGITS = ("data", "noise", "train_noise", "test_fraction", "imbalance", "balance")


def train(
    model: Annotated[
        str,
        typer.Argument(
            help="Architecture, e.g. cnn, 'mlp(hidden=[256, 128])' or number-reader; or an "
            "experiment file (TOML) with one model.",
            metavar="MODEL",
        ),
    ],
    data: options.Data = None,
    noise: options.Noise = None,
    train_noise: options.TrainNoise = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    settings: options.Settings = None,
    imbalance: options.Imbalance = None,
    balance: options.Balance = None,
    test_fraction: options.TestFraction = None,
    threads: options.Threads = None,
    executor: options.Executor = None,
    start_from: options.StartFrom = None,
    name: options.Name = None,
    out: options.Out = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Train and test one model; the run folder is the same as that of `compare`.

    A model that reads numbers is trained on composed strips; its executor composes them.
    """
    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "seed": seed,
        "test_fraction": test_fraction, "threads": threads, "name": name, "imbalance": imbalance,
    }  # fmt: skip
    flags = settings_from_flags(given, {"epochs": epochs, "balance": balance}, settings)
    asked = _settings_of(model, flags)
    if is_number_model(asked):
        _check_flags({**given, "balance": balance})
        if start_from is not None:
            asked["start_from"] = start_from
        train_numbers(asked, out, executor, resume=resume, overwrite=overwrite)
    else:
        if start_from is not None:
            raise InkfastError("--start-from is for models that read numbers.")
        asked.setdefault("name", "train")
        run_comparison(asked, out, executor, resume=resume, overwrite=overwrite)


def _settings_of(model: str, flags: dict[str, Any]) -> dict[str, Any]:
    """Return the settings for an architecture, or those of an experiment file under the flags."""
    if not model.lower().endswith(".toml"):
        return {**flags, "models": [model]}
    settings = read_settings(Path(model), flags)
    models = settings.get("models")
    if not isinstance(models, list) or len(models) != 1:
        raise InkfastError(
            f"{model}: expected an experiment with one model. Several are trained by "
            f"`inkfast compare {model}`."
        )
    return settings


def _check_flags(given: dict[str, Any]) -> None:
    """Raise if a flag was given that has no meaning for a model that reads numbers."""
    for key in _OF_DIGITS:
        if given[key] is not None:
            raise InkfastError(
                f"--{key.replace('_', '-')} is for models of single digits: a model that reads "
                "numbers is trained on composed strips, see its recipe keys in docs/models.md."
            )
