"""What `compare`, `validate` and `tune` do once their words have been read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkfast.commands.console import open_console
from inkfast.commands.progress import Display, folds_table, leaderboard_table, trials_table
from inkfast.core.errors import InkfastError, short_repr

if TYPE_CHECKING:
    from inkfast.experiments.config import Experiment
    from inkfast.experiments.cross_validation import CrossValidation
    from inkfast.experiments.dataset import ExperimentData
    from inkfast.experiments.runner import RunResult


def compare(
    recipe: Path | None,
    flags: dict[str, Any],
    out: Path | None,
    executor: str | None,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Run an experiment from a file, flags over it, and write its report."""
    from inkfast import report
    from inkfast.evaluation import all_tests
    from inkfast.execution import parse_executor
    from inkfast.experiments import leaderboard, run_folder, runner

    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    experiment, folder, dataset = _prepared(_settings(recipe, flags), out, executor, display)
    prints = dataset.fingerprints()
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        outcome = runner.run_experiment(experiment, dataset, folder, observer, where)
    _check_any(outcome, display)
    board = leaderboard.build_leaderboard(outcome)
    board.write(folder)
    page = report.write_report(board, folder)
    console.print(leaderboard_table(board))
    display.say(board.headline())
    for comparison in board.comparisons:
        display.say(f"{comparison.better} against {comparison.worse}: {all_tests(comparison)}")
    display.say(f"report: {page}")
    _check_whole(outcome, display)


def validate(
    recipe: Path | None,
    flags: dict[str, Any],
    out: Path | None,
    executor: str | None,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Cross-validate an experiment's models and write the report."""
    from inkfast import report
    from inkfast.core.digits import Source
    from inkfast.evaluation import all_tests
    from inkfast.execution import parse_executor
    from inkfast.experiments import cross_validation, run_folder

    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    experiment, folder, dataset = _prepared(_settings(recipe, flags), out, executor, display)
    source = Source(dataset.full, None, dataset.source, dataset.notice)  # no test part
    prints = cross_validation.fingerprints(experiment, source)
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        result = cross_validation.cross_validate(experiment, source, folder, observer, where)
    _check_any(result, display)
    result.write(folder)
    page = report.write_folds(result, folder)
    console.print(folds_table(result))
    display.say(result.headline())
    for comparison in result.comparisons():
        display.say(f"{comparison.better} against {comparison.worse}: {all_tests(comparison)}")
    display.say(f"report: {page}")
    _check_whole(result, display)


def tune(
    space: Path,
    flags: dict[str, Any],
    out: Path | None,
    executor: str | None,
    storage: str,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Search for the best recipe and look at the test digits with it, once."""
    from inkfast import report
    from inkfast.execution import parse_executor
    from inkfast.experiments import leaderboard, run_folder, runner
    from inkfast.experiments.tuning.plan import read_plan
    from inkfast.experiments.tuning.search import Search, search_identity

    console = open_console()
    display = Display(console)
    where = parse_executor(executor or "serial")
    plan = read_plan(_settings(space, flags))
    experiment, folder, dataset = _prepared(dict(plan.settings), out, executor, display)
    plan = dataclasses.replace(plan, experiment=experiment)
    prints = search_identity(plan, dataset)
    # a storage that does not answer leaves no folder; one of our own lies inside it
    search = Search(plan, dataset, folder, storage) if storage else None
    with run_folder.run_lock(folder), where.open(), display.showing(where) as observer:
        run_folder.claim_run(folder, experiment, prints, resume=resume, overwrite=overwrite)
        search = search or Search(plan, dataset, folder)
        tuned = search.run(observer, where)
    tuned.write(folder)
    if tuned.interrupted:
        raise _interrupted(display)
    if search.elsewhere():
        display.say(
            f"{search.elsewhere()} trials still run on other machines: the test digits are looked "
            "at when all have ended, by the same command with --resume"
        )
        return
    best = search.best()
    best_run = search.make_best_run(best)
    with display.showing() as observer:
        outcome = runner.run_experiment(best, dataset, best_run, observer)
    _check_any(outcome, display)
    board = leaderboard.build_leaderboard(outcome)
    board.write(best_run)
    report.write_report(board, best_run)
    page = report.write_tuning(plan, tuned, best, board, folder)
    console.print(trials_table(tuned))
    display.say(tuned.headline(board))
    display.say(f"best recipe: {folder / run_folder.BEST_RECIPE}")
    display.say(f"report: {page}")


def _interrupted(display: Display) -> KeyboardInterrupt:
    display.say("interrupted; go on with the same command and --resume")
    return KeyboardInterrupt()


def _check_any(outcome: RunResult | CrossValidation, display: Display) -> None:
    """Raise what ended a run before any fit had finished."""
    if not outcome.fits:
        raise outcome.diverged[0] if outcome.diverged else _interrupted(display)


def _check_whole(outcome: RunResult | CrossValidation, display: Display) -> None:
    """Raise what kept a run from finishing every fit, once the others are reported."""
    if outcome.interrupted:
        raise _interrupted(display)
    if outcome.diverged:
        raise outcome.diverged[0]


def _settings(recipe: Path | None, flags: dict[str, Any]) -> dict[str, Any]:
    """Return what a file and the flags over it ask for."""
    from inkfast.experiments.config import read_toml

    if recipe is None:
        return flags
    settings = read_toml(recipe)
    settings.setdefault("name", recipe.stem)
    return _merged(settings, flags)


def _prepared(
    settings: dict[str, Any], out: Path | None, executor: str | None, display: Display
) -> tuple[Experiment, Path, ExperimentData]:
    """Return the experiment that settings make, where its run goes, and its digits."""
    from inkfast.data import asked_again
    from inkfast.experiments.config import from_settings
    from inkfast.experiments.dataset import load_experiment_data

    experiment = from_settings(settings)
    if executor is not None and experiment.threads == 0:
        # a number that is timed would give other bits from one executor to the next
        experiment = dataclasses.replace(experiment, threads=1)
    place = out or settings.get("out") or Path("runs") / experiment.name
    if not isinstance(place, str | Path) or "\0" in str(place):
        raise InkfastError(f"`out` must be text, got {short_repr(place)}.")
    dataset = load_experiment_data(experiment, display.download)
    if dataset.notice:
        display.say(dataset.notice, style="bold yellow")
    again = asked_again(experiment.data, dataset.source)
    return dataclasses.replace(experiment, data=again), Path(place), dataset


def _merged(settings: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """Lay flags over a recipe file; recipe keys also over those of single models."""
    recipe = flags.get("recipe", {})
    merged = {**settings, **flags}
    if "tune" in flags and isinstance(settings.get("tune"), dict):
        merged["tune"] = {**settings["tune"], **flags["tune"]}
    common = settings.get("recipe", {})
    if recipe and isinstance(common, dict):
        merged["recipe"] = {**common, **recipe}
    if recipe and isinstance(merged.get("models"), list):
        merged["models"] = [
            {**item, **recipe} if isinstance(item, dict) else item for item in merged["models"]
        ]
    return merged
