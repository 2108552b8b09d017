"""`inkfast tune`: search recipes on validation rows, then train and test the best one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from inkfast import report
from inkfast.cli import options
from inkfast.cli._console import open_console
from inkfast.cli._progress import Display
from inkfast.cli._settings import read_settings, settings_from_flags
from inkfast.cli._sweep import check_any_finished, interrupted, prepare_experiment
from inkfast.execution import parse_executor
from inkfast.experiments import leaderboard, run_folder, runner
from inkfast.experiments.tuning.plan import parse_search_plan
from inkfast.experiments.tuning.search import Search, search_identity
from inkfast.report.tables import trials_table


def tune(
    space: Annotated[
        Path, typer.Argument(help="Experiment file (TOML) with a `search` table.", metavar="SPACE")
    ],
    data: options.Data = None,
    noise: options.Noise = None,
    trials: Annotated[int | None, typer.Option(help="Total number of trials.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="Time after which no trial is started.")
    ] = None,
    storage: Annotated[
        str, typer.Option(help="Optuna storage URL, for a search on several machines.")
    ] = "",
    seed: options.Seed = None,
    epochs: options.Epochs = None,
    settings: options.Settings = None,
    threads: options.Threads = None,
    executor: options.Executor = None,
    name: options.Name = None,
    out: options.Out = None,
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Search models and recipes on validation rows, then test the best one once."""
    given = {"data": data, "noise": noise, "seed": seed, "threads": threads, "name": name}
    flags = settings_from_flags(given, {"epochs": epochs}, settings)
    limits = {"trials": trials, "hours": hours}
    limits = {key: value for key, value in limits.items() if value is not None}
    flags |= {"tune": limits} if limits else {}
    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    plan = parse_search_plan(read_settings(space, flags))
    experiment, folder, dataset = prepare_experiment(dict(plan.settings), out, executor, display)
    plan = dataclasses.replace(plan, experiment=experiment)
    prints = search_identity(plan, dataset)
    # a storage that does not answer must leave no folder; our own storage is a file in the folder
    search = Search(plan, dataset, folder, storage) if storage else None
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        search = search or Search(plan, dataset, folder)
        tuned = search.run(observer, where)
    tuned.write(folder)
    if tuned.interrupted:
        raise interrupted(display)
    if running := search.running_elsewhere():
        display.say(
            f"{running} trials still run on other machines: the test digits are used when all have "
            "ended, by the same command with --resume"
        )
        return
    best = search.best()
    best_run = search.make_best_run(best)
    with display.showing() as observer:
        outcome = runner.run_experiment(best, dataset, best_run, observer)
    check_any_finished(outcome, display)
    board = leaderboard.build_leaderboard(outcome)
    board.write(best_run)
    report.write_comparison_report(board, best_run)
    page = report.write_tuning_report(plan, tuned, best, board, folder)
    console.print(trials_table(tuned))
    display.say(tuned.headline(board))
    display.say(f"best recipe: {folder / run_folder.BEST_RECIPE}")
    display.say(f"report: {page}")
