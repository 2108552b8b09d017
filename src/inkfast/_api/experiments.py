"""Run experiments from Python and load their results."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from inkfast import report
from inkfast.core.digits import Source
from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import read_object
from inkfast.data import resolved_source
from inkfast.execution import parse_executor, quiet
from inkfast.experiments import cross_validation as folding
from inkfast.experiments import leaderboard, run_folder, runner
from inkfast.experiments.config import Experiment, from_settings, merge_settings, read_toml
from inkfast.experiments.dataset import ExperimentData, load_experiment_data

StrPath: TypeAlias = str | os.PathLike[str]
_RESULTS = {
    run_folder.COMPARISON: run_folder.LEADERBOARD,
    run_folder.CROSS_VALIDATION: run_folder.VALIDATION,
}


@dataclass(frozen=True)
class ExperimentResults:
    """Results of `compare` or `cross_validate`.

    Attributes:
        kind: ``"comparison"`` or ``"cross-validation"``.
        headline: One sentence: how good the best model is, and whether it is really better.
        rows: One dict per model, the best first: ``model``, ``accuracy`` in [0, 1], ``loss``
            (cross-entropy in nats), ``macro_f1`` in [0, 1], ``ece`` (expected calibration error in
            [0, 1]), ``n_parameters``, ``train_seconds`` and more. An undefined value is None.
        comparisons: One dict per pair of models: the difference in accuracy with its interval and
            the p-values of its tests.
        complete: Whether all fits finished.
        folder: The run folder; None if none was kept.
    """

    kind: str
    headline: str
    rows: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
    complete: bool
    folder: Path | None

    def table(self) -> Any:
        """Return `rows` as a pandas data frame if pandas is installed, else as they are."""
        if importlib.util.find_spec("pandas") is None:
            return self.rows
        import pandas as pd  # type: ignore[import-untyped]  # optional

        return pd.DataFrame(self.rows)


def compare(
    experiment: StrPath | None = None,
    *,
    models: str | Sequence[str | Mapping[str, Any]] | None = None,
    data: str | None = None,
    noise: str | None = None,
    seeds: int | None = None,
    seed: int | None = None,
    epochs: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    out: StrPath | None = None,
    overwrite: bool = False,
    executor: str | None = None,
    **settings: Any,
) -> ExperimentResults:
    """Train models on the same digits under the same noise, and compare them on test digits.

    Args:
        experiment: TOML file of an experiment; the other arguments override its keys.
        models: Specs such as ``["mlp", "cnn"]``, or tables as in a recipe.
        data: Data source by name or path, e.g. ``"mnist"``.
        noise: Spec of the noise, e.g. ``"rotate(degrees=30)"``.
        seeds: Fits per model.
        seed: First of the seeds.
        epochs: Passes over the training digits.
        recipe: Training settings for all models, e.g. ``{"learning_rate": 0.01}``.
        out: Folder that keeps the run with its models and report; None keeps nothing.
        overwrite: Whether a run in that folder is replaced.
        executor: Where fits run: ``"serial"``, ``"local:N"``, ``"stacked:N"`` or ``"ray"``. If one
            is given, a fit has one thread unless ``threads`` says otherwise.
        **settings: Other keys of an experiment, such as ``train_noise`` or ``threads``.

    Raises:
        InkfastError: If a setting cannot be used; all faults are named together.
    """
    settings |= {"models": models, "data": data, "noise": noise, "seeds": seeds, "seed": seed}
    resolved, digits = _prepared(_merged(experiment, settings, recipe, epochs), executor)
    where = parse_executor(executor or "serial")
    start = runner.load_start(resolved, digits)
    with _folder(out) as folder, where.open():
        run_folder.claim_run(
            folder, resolved, digits.fingerprints(), resume=False, overwrite=overwrite
        )
        outcome = runner.run_experiment(resolved, digits, folder, quiet, where, start)
        _check_finished(outcome)
        board = leaderboard.build_leaderboard(outcome)
        if out is not None:
            board.write(folder)
            report.write_comparison_report(board, folder)
        return _results(run_folder.COMPARISON, board.to_json(), out)


def cross_validate(
    experiment: StrPath | None = None,
    *,
    models: str | Sequence[str | Mapping[str, Any]] | None = None,
    data: str | None = None,
    noise: str | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    epochs: int | None = None,
    recipe: Mapping[str, Any] | None = None,
    out: StrPath | None = None,
    overwrite: bool = False,
    executor: str | None = None,
    **settings: Any,
) -> ExperimentResults:
    """Cross-validate models on the training digits; the test digits are not touched.

    Args:
        experiment: TOML file of an experiment; the other arguments override its keys.
        models: Specs such as ``["mlp", "cnn"]``, or tables as in a recipe.
        data: Data source by name or path, e.g. ``"mnist"``.
        noise: Spec of the noise, e.g. ``"rotate(degrees=30)"``.
        folds: Parts of the training digits.
        repeats: How often the folds are drawn.
        seed: Seed of folds and fits.
        epochs: Passes over the training digits.
        recipe: Training settings for all models, e.g. ``{"learning_rate": 0.01}``.
        out: Folder that keeps the run with its models and report; None keeps nothing.
        overwrite: Whether a run in that folder is replaced.
        executor: Where fits run: ``"serial"``, ``"local:N"``, ``"stacked:N"`` or ``"ray"``. If one
            is given, a fit has one thread unless ``threads`` says otherwise.
        **settings: Other keys of an experiment, such as ``train_noise`` or ``threads``.

    Raises:
        InkfastError: If a setting cannot be used; all faults are named together.
    """
    settings |= {"models": models, "data": data, "noise": noise}
    settings |= {"folds": folds, "repeats": repeats, "seed": seed}
    resolved, digits = _prepared(_merged(experiment, settings, recipe, epochs), executor)
    source = Source(digits.full, None, digits.source, digits.notice)
    where = parse_executor(executor or "serial")
    with _folder(out) as folder, where.open():
        run_folder.claim_run(
            folder, resolved, folding.cross_validation_identity(resolved, source),
            resume=False, overwrite=overwrite,
        )  # fmt: skip
        result = folding.run_cross_validation(resolved, source, folder, quiet, where)
        _check_finished(result)
        if out is not None:
            result.write(folder)
            report.write_validation_report(result, folder)
        return _results(run_folder.CROSS_VALIDATION, result.to_json(), out)


def load_run(folder: StrPath) -> ExperimentResults:
    """Load the results of a run folder that `compare`, `cross_validate` or a command wrote.

    Raises:
        InkfastError: If the folder is no such run, or the run has not finished.
    """
    if not isinstance(folder, str | os.PathLike):
        raise InkfastError(f"folder must be the path of a run, got {short_repr(folder)}.")
    path = Path(folder)
    if not run_folder.RUN.holds(path):
        raise InkfastError(
            f"{path} is not a run: expected a folder that inkfast compare, train or validate has "
            "made."
        )
    kind = run_folder.load_identity(path)["kind"]
    if kind not in _RESULTS:
        best = run_folder.best_folder(path)
        raise InkfastError(f"{path} is a search: load the run of its best model, {best}.")
    if not (path / _RESULTS[kind]).is_file():
        raise InkfastError(f"{path} has not finished. Resume it: --resume.")
    return _results(kind, read_object(path / _RESULTS[kind]), path)


def _merged(
    experiment: StrPath | None,
    settings: Mapping[str, Any],
    recipe: Mapping[str, Any] | None,
    epochs: int | None,
) -> dict[str, Any]:
    """Return the settings of a TOML file with the arguments over them."""
    if not isinstance(experiment, str | os.PathLike | None):
        raise InkfastError(
            f"experiment must be the path of a TOML file, got {short_repr(experiment)}."
        )
    if not isinstance(recipe, Mapping | None):
        raise InkfastError(f"recipe must be a dict of training settings, got {short_repr(recipe)}.")
    training = dict(recipe or {}) | ({} if epochs is None else {"epochs": epochs})
    own = {key: value for key, value in settings.items() if value is not None}
    own |= {"recipe": training} if training else {}
    return merge_settings({} if experiment is None else read_toml(Path(experiment)), own)


def _prepared(
    settings: Mapping[str, Any], executor: str | None
) -> tuple[Experiment, ExperimentData]:
    experiment = from_settings(settings)
    if executor is not None and experiment.threads == 0:  # timed, it may differ between executors
        experiment = dataclasses.replace(experiment, threads=1)
    digits = load_experiment_data(experiment)
    again = resolved_source(experiment.data, digits.source)
    return dataclasses.replace(experiment, data=again), digits


@contextmanager
def _folder(out: StrPath | None) -> Iterator[Path]:
    """Yield the run folder; without one, a temporary folder."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="inkfast-") as temporary:
            yield Path(temporary)
        return
    if not isinstance(out, str | os.PathLike):
        raise InkfastError(f"out must be the path of a folder, got {short_repr(out)}.")
    with run_folder.run_lock(Path(out)):
        yield Path(out)


def _check_finished(outcome: runner.RunResult | folding.CrossValidation) -> None:
    """Raise what ended an experiment before its last fit."""
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.diverged:
        raise outcome.diverged[0]


def _results(kind: str, content: Mapping[str, Any], folder: StrPath | None) -> ExperimentResults:
    content = json.loads(json.dumps(content))  # as a file gives it back: lists, no tuples
    return ExperimentResults(
        kind=kind,
        headline=content["headline"],
        rows=content["rows"],
        comparisons=content["comparisons"],
        complete=content["complete"],
        folder=None if folder is None else Path(folder),
    )
