"""Commands that train: compare, validate, tune, train."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast.cli.options import (
    Balance,
    Data,
    Epochs,
    ExecutorOption,
    Imbalance,
    Name,
    NoiseOption,
    Out,
    Overwrite,
    Resume,
    Seed,
    Settings,
    TestFraction,
    Threads,
    TrainNoise,
)
from inkfast.cli.root import app
from inkfast.core.errors import InkfastError


@app.command()
def compare(
    recipe: Annotated[
        Path | None, typer.Argument(help="Experiment as TOML.", metavar="[RECIPE]")
    ] = None,
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    models: Annotated[str | None, typer.Option(help="Names, comma-separated: mlp,cnn")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds each model gets.")] = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    test_fraction: TestFraction = None,
    threads: Threads = None,
    executor: ExecutorOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Compare models on noisy digits and leave a report worth reading."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "seeds": seeds, "seed": seed, "test_fraction": test_fraction, "threads": threads,
        "name": name, "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.compare(recipe, flags, out, executor, resume=resume, overwrite=overwrite)


@app.command()
def validate(
    recipe: Annotated[
        Path | None, typer.Argument(help="Experiment as TOML.", metavar="[RECIPE]")
    ] = None,
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    models: Annotated[str | None, typer.Option(help="Names, comma-separated: mlp,cnn")] = None,
    folds: Annotated[int | None, typer.Option(help="Parts of the training digits.")] = None,
    repeats: Annotated[int | None, typer.Option(help="How often the folds are drawn.")] = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    threads: Threads = None,
    executor: ExecutorOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Cross-validate models on the training digits; the test digits are not touched."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "folds": folds, "repeats": repeats, "seed": seed, "threads": threads,
        "name": name or (None if recipe else "validate"), "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.validate(recipe, flags, out, executor, resume=resume, overwrite=overwrite)


@app.command()
def tune(
    space: Annotated[
        Path, typer.Argument(help="Experiment with a table `search`, as TOML.", metavar="SPACE")
    ],
    data: Data = None,
    noise: NoiseOption = None,
    trials: Annotated[int | None, typer.Option(help="How many there are to be in all.")] = None,
    hours: Annotated[float | None, typer.Option(help="Begin no trial after so long.")] = None,
    storage: Annotated[
        str, typer.Option(help="Optuna storage URL that several machines share.")
    ] = "",
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    threads: Threads = None,
    executor: ExecutorOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Search for the best model and recipe on validation rows, then look at the test once."""
    from inkfast.commands import experiments

    given = {"data": data, "noise": noise, "seed": seed, "threads": threads, "name": name}
    flags = _given(given, {"epochs": epochs}, settings)
    limits = {"trials": trials, "hours": hours}
    limits = {key: value for key, value in limits.items() if value is not None}
    flags |= {"tune": limits} if limits else {}
    experiments.tune(space, flags, out, executor, storage, resume=resume, overwrite=overwrite)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="e.g. cnn or 'mlp(hidden=[256, 128])'")],
    data: Data = None,
    noise: NoiseOption = None,
    train_noise: TrainNoise = None,
    seed: Seed = None,
    epochs: Epochs = None,
    settings: Settings = None,
    imbalance: Imbalance = None,
    balance: Balance = None,
    test_fraction: TestFraction = None,
    threads: Threads = None,
    executor: ExecutorOption = None,
    name: Name = None,
    out: Out = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
) -> None:
    """Train one model; the run folder is the same as that of a comparison."""
    from inkfast.commands import experiments

    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": [model], "seed": seed,
        "test_fraction": test_fraction, "threads": threads, "name": name or "train",
        "imbalance": imbalance,
    }  # fmt: skip
    flags = _given(given, {"epochs": epochs, "balance": balance}, settings)
    experiments.compare(None, flags, out, executor, resume=resume, overwrite=overwrite)


def _given(
    settings: dict[str, Any], training: dict[str, Any], assignments: list[str] | None
) -> dict[str, Any]:
    """Return the flags that were given, recipe keys under ``recipe``."""
    import ast

    recipe = {key: value for key, value in training.items() if value is not None}
    for assignment in assignments or []:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise InkfastError(
                f"--set expects KEY=VALUE, e.g. learning_rate=0.01, got {assignment!r}."
            )
        try:
            recipe[key.strip()] = ast.literal_eval(text.strip())
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            recipe[key.strip()] = text.strip()  # a word such as adam needs no quotes
    flags = {key: value for key, value in settings.items() if value is not None}
    return flags | ({"recipe": recipe} if recipe else {})
