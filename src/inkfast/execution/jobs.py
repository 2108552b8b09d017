"""`Job`: one fit of a sweep and the folder it leaves; what every executor does with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from inkfast.core.errors import DivergedError, InkfastError, StoppedError
from inkfast.training import Callback, FitSpec, TrainedModel, checkpoint, fit
from inkfast.training.trained_model import MODEL_FILE


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """One fit.

    Attributes:
        title: What it is called while it runs.
        folder: Where its model goes, and its checkpoints until it is finished.
        fit_spec: What is trained.
    """

    title: str
    folder: Path
    fit_spec: FitSpec


# What became of a job: a model, or the reason that there is none.
FitOutcome: TypeAlias = TrainedModel | DivergedError | StoppedError


@dataclass(frozen=True, kw_only=True)
class SweepObserver:
    """Progress of a sweep: `on_fit_start` returns the `Callback` of each fit as it starts."""

    on_fit_start: Callable[[str, int, int], Callback] = field(
        default=lambda title, number, of: Callback()
    )


QUIET = SweepObserver()


def finished_or_fit(fit_spec: FitSpec, folder: Path, callback: Callback) -> FitOutcome:
    """Return the fit that a folder holds, or train it there, going on from its checkpoints.

    Raises:
        InkfastError: If the folder holds the model of another task, or a damaged one.
    """
    trained = finished(fit_spec, folder, callback)
    if trained is not None:
        return trained
    try:
        result: FitOutcome = fit(fit_spec, folder / "checkpoints", callback)
    except (DivergedError, StoppedError) as error:
        result = error
    return keep(result, folder, callback)


def keep(result: FitOutcome, folder: Path, callback: Callback) -> FitOutcome:
    """Write a model where it belongs, or say why there is none; return what was given."""
    if isinstance(result, TrainedModel):
        result.save(folder)
        checkpoint.remove_checkpoints(folder / "checkpoints")
    else:
        callback.on_message(str(result))
    return result


def finished(fit_spec: FitSpec, folder: Path, callback: Callback) -> TrainedModel | None:
    """Return the model that a folder holds, None if there is none yet.

    Raises:
        InkfastError: If it is the model of another task, or a damaged one.
    """
    if not is_finished(folder):
        return None
    trained = TrainedModel.load(folder)
    if (trained.architecture, trained.recipe, trained.seed) != (
        fit_spec.architecture, fit_spec.recipe, fit_spec.seed,
    ):  # fmt: skip
        raise InkfastError(f"{folder} holds another fit. Delete it, and go on with --resume.")
    checkpoint.remove_checkpoints(folder / "checkpoints")
    callback.on_message("already trained")
    return trained


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a model."""
    return (folder / MODEL_FILE).is_file()
