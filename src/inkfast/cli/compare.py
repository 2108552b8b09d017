"""`inkfast compare`: train and test models under the same conditions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast import report
from inkfast.cli import options
from inkfast.cli._console import open_console
from inkfast.cli._progress import Display
from inkfast.cli._settings import read_settings, settings_from_flags
from inkfast.cli._sweep import check_all_finished, check_any_finished, prepare_experiment
from inkfast.evaluation import all_tests
from inkfast.execution import parse_executor
from inkfast.experiments import leaderboard, run_folder, runner
from inkfast.report.tables import leaderboard_table


def compare(
    recipe: options.RecipeFile = None,
    data: options.Data = None,
    noise: options.Noise = None,
    train_noise: options.TrainNoise = None,
    models: options.Models = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds per model.")] = None,
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    settings: options.Settings = None,
    imbalance: options.Imbalance = None,
    balance: options.Balance = None,
    test_fraction: options.TestFraction = None,
    threads: options.Threads = None,
    executor: options.Executor = None,
    name: options.Name = None,
    out: options.Out = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Train models under the same conditions, test them once and write a report."""
    given = {
        "data": data, "noise": noise, "train_noise": train_noise, "models": models,
        "seeds": seeds, "seed": seed, "test_fraction": test_fraction, "threads": threads,
        "name": name, "imbalance": imbalance,
    }  # fmt: skip
    flags = settings_from_flags(given, {"epochs": epochs, "balance": balance}, settings)
    asked = read_settings(recipe, flags) if recipe else flags
    run_comparison(asked, out, executor, resume=resume, overwrite=overwrite)


def run_comparison(
    settings: dict[str, Any], out: Path | None, executor: str | None, *,
    resume: bool, overwrite: bool,
) -> None:  # fmt: skip
    """Run an experiment, and write its leaderboard and report."""
    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    experiment, folder, dataset = prepare_experiment(settings, out, executor, display)
    prints = dataset.fingerprints()
    start = runner.load_start(experiment, dataset)
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        outcome = runner.run_experiment(experiment, dataset, folder, observer, where, start)
    check_any_finished(outcome, display)
    board = leaderboard.build_leaderboard(outcome)
    board.write(folder)
    page = report.write_comparison_report(board, folder)
    console.print(leaderboard_table(board))
    display.say(board.headline())
    for comparison in board.comparisons:
        display.say(f"{comparison.better} against {comparison.worse}: {all_tests(comparison)}")
    display.say(f"report: {page}")
    check_all_finished(outcome, display)
