"""`inkfast validate`: cross-validate models on the training digits."""

from __future__ import annotations

from typing import Annotated

import typer

from inkfast import report
from inkfast.cli import options
from inkfast.cli._console import open_console
from inkfast.cli._progress import Display
from inkfast.cli._settings import read_settings, settings_from_flags
from inkfast.cli._sweep import check_all_finished, check_any_finished, prepare_experiment
from inkfast.core.digits import Source
from inkfast.evaluation import all_tests
from inkfast.execution import parse_executor
from inkfast.experiments import cross_validation, run_folder
from inkfast.report.tables import folds_table


def validate(
    recipe: options.RecipeFile = None,
    data: options.Data = None,
    noise: options.Noise = None,
    train_noise: options.TrainNoise = None,
    models: options.Models = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds.")] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Number of times the folds are drawn.")
    ] = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    settings: options.Settings = None,
    imbalance: options.Imbalance = None,
    balance: options.Balance = None,
    threads: options.Threads = None,
    executor: options.Executor = None,
    name: options.Name = None,
    out: options.Out = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Cross-validate models on the training digits; the test digits are not read."""
    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "folds": folds, "repeats": repeats, "seed": seed, "threads": threads,
        "name": name or (None if recipe else "validate"), "imbalance": imbalance,
    }  # fmt: skip
    flags = settings_from_flags(given, {"epochs": epochs, "balance": balance}, settings)
    asked = read_settings(recipe, flags) if recipe else flags
    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    experiment, folder, dataset = prepare_experiment(asked, out, executor, display)
    source = Source(dataset.full, None, dataset.source, dataset.notice)  # no test part
    prints = cross_validation.cross_validation_identity(experiment, source)
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        result = cross_validation.run_cross_validation(experiment, source, folder, observer, where)
    check_any_finished(result, display)
    result.write(folder)
    page = report.write_validation_report(result, folder)
    console.print(folds_table(result))
    display.say(result.headline())
    for comparison in result.comparisons():
        display.say(f"{comparison.better} against {comparison.worse}: {all_tests(comparison)}")
    display.say(f"report: {page}")
    check_all_finished(result, display)
