"""`inkfast train`: one model of single digits or of numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast.cli import options
from inkfast.cli._settings import read_settings, settings_from_flags
from inkfast.cli._train_numbers import train_numbers
from inkfast.cli.compare import run_comparison
from inkfast.core.errors import InkfastError
from inkfast.experiments.config import merge_settings
from inkfast.experiments.number_experiment import is_number_model
from inkfast.experiments.number_run import is_number_run, load_number_run
from inkfast.experiments.starting_point import load_starting_point

# flags without a meaning for strips that are composed
_OF_DIGITS = ("data", "noise", "train_noise", "test_fraction", "imbalance", "balance")


def train(
    model: Annotated[
        str | None,
        typer.Argument(
            help="Architecture, e.g. cnn, 'mlp(hidden=[256, 128])' or number-reader; or an "
            "experiment file (TOML) with one model.",
            metavar="[MODEL]",
            show_default="with --start-from, model, recipe and noise of that network",
        ),
    ] = None,
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
    asked = _settings_of(model, flags, start_from)
    if is_number_model(asked):
        _check_flags({**given, "balance": balance})
        train_numbers(asked, out, executor, resume=resume, overwrite=overwrite)
    else:
        asked.setdefault("name", "train")
        run_comparison(asked, out, executor, resume=resume, overwrite=overwrite)


def _settings_of(
    model: str | None, flags: dict[str, Any], start_from: str | None
) -> dict[str, Any]:
    """Return the settings for an architecture, or those of an experiment file under the flags.

    Without either they are those that the network of `start_from` was trained with.
    """
    if start_from is not None:
        flags = {**flags, "start_from": start_from}
    if model is None:
        if start_from is None:
            raise InkfastError("expected a MODEL, e.g. cnn, or --start-from NETWORK, got neither.")
        return merge_settings(_settings_of_start(start_from), flags)
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


def _settings_of_start(start_from: str) -> dict[str, Any]:
    """Return the model, the recipe and the noise of a trained network."""
    path = Path(start_from.partition(",")[0].strip())  # of numbers there may be several
    if path.is_dir() and is_number_run(path):
        experiment, _ = load_number_run(path)
        recipe = dataclasses.asdict(experiment.recipe)
        return {"models": [{"model": str(experiment.architecture), **recipe}]}
    return load_starting_point(start_from).settings()


def _check_flags(given: dict[str, Any]) -> None:
    """Raise if a flag was given that has no meaning for a model that reads numbers."""
    for key in _OF_DIGITS:
        if given[key] is not None:
            raise InkfastError(
                f"--{key.replace('_', '-')} is for models of single digits: a model that reads "
                "numbers is trained on composed strips, see its recipe keys in docs/models.md."
            )
