"""What `compare`, `validate` and `tune` share before and after their fits."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from inkfast.cli._progress import Display
from inkfast.core.errors import InkfastError, short_repr
from inkfast.data import resolved_source
from inkfast.experiments.config import Experiment, from_settings
from inkfast.experiments.cross_validation import CrossValidation
from inkfast.experiments.dataset import ExperimentData, load_experiment_data
from inkfast.experiments.runner import RunResult


def prepare_experiment(
    settings: dict[str, Any], out: Path | None, executor: str | None, display: Display
) -> tuple[Experiment, Path, ExperimentData]:
    """Return the experiment with resolved data source, its run folder and its digits."""
    experiment = from_settings(settings)
    if executor is not None and experiment.threads == 0:
        # a number chosen by timing would give other bits from one executor to the next
        experiment = dataclasses.replace(experiment, threads=1)
    folder = run_folder_of(settings, out, experiment.name)
    dataset = load_experiment_data(experiment, display.download)
    display.notice(dataset.notice)
    again = resolved_source(experiment.data, dataset.source)
    return dataclasses.replace(experiment, data=again), folder, dataset


def run_folder_of(settings: dict[str, Any], out: Path | None, name: str) -> Path:
    """Return the run folder: that of the flag, or of the settings, or one with the run's name."""
    folder = out or settings.get("out") or Path("runs") / name
    if not isinstance(folder, str | Path) or "\0" in str(folder):
        raise InkfastError(f"`out` must be text, got {short_repr(folder)}.")
    return Path(folder)


def check_any_finished(outcome: RunResult | CrossValidation, display: Display) -> None:
    """Raise the error that ended a run before any fit had finished."""
    if not outcome.fits:
        raise outcome.diverged[0] if outcome.diverged else interrupted(display)


def check_all_finished(outcome: RunResult | CrossValidation, display: Display) -> None:
    """Raise the error that kept some fits from finishing; called after the others are reported."""
    if outcome.interrupted:
        raise interrupted(display)
    if outcome.diverged:
        raise outcome.diverged[0]


def interrupted(display: Display) -> KeyboardInterrupt:
    """Print how to resume, and return the exception that ends the program."""
    display.say("interrupted; resume with the same command and --resume")
    return KeyboardInterrupt()
