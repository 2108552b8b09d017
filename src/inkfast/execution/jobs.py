"""`Job`: one fit of a sweep and the folder it leaves; what every engine does with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from inkfast.core.errors import InkfastError
from inkfast.training import DivergedError, StoppedError, Task, Trained, Watch, checkpoint, fit


@dataclass(frozen=True, kw_only=True)
class Job:
    """One fit.

    Attributes:
        title: What it is called while it runs.
        folder: Where its model goes, and its checkpoints until it is finished.
        task: What is trained.
    """

    title: str
    folder: Path
    task: Task


# What became of a job: a model, or the reason that there is none.
Result: TypeAlias = Trained | DivergedError | StoppedError


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Whom to tell how a sweep goes: asked for a `Watch` at the start of each fit."""

    fit: Callable[[str, int, int], Watch] = field(default=lambda title, number, of: Watch())


QUIET = Observer()


def finished_or_fit(task: Task, folder: Path, watch: Watch) -> Result:
    """Return the fit that a folder holds, or train it there, going on from its checkpoints.

    Raises:
        InkfastError: If the folder holds the model of another task, or a damaged one.
    """
    trained = finished(task, folder, watch)
    if trained is not None:
        return trained
    try:
        result: Result = fit(task, folder / "checkpoints", watch)
    except (DivergedError, StoppedError) as error:
        result = error
    return keep(result, folder, watch)


def keep(result: Result, folder: Path, watch: Watch) -> Result:
    """Write a model where it belongs, or say why there is none; return what was given."""
    if isinstance(result, Trained):
        result.save(folder)
        checkpoint.remove(folder / "checkpoints")
    else:
        watch.say(str(result))
    return result


def finished(task: Task, folder: Path, watch: Watch) -> Trained | None:
    """Return the model that a folder holds, None if there is none yet.

    Raises:
        InkfastError: If it is the model of another task, or a damaged one.
    """
    if not is_finished(folder):
        return None
    trained = Trained.load(folder)
    if (trained.architecture, trained.recipe, trained.seed) != (
        task.architecture, task.recipe, task.seed,
    ):  # fmt: skip
        raise InkfastError(f"{folder} holds another fit. Delete it, and go on with --resume.")
    checkpoint.remove(folder / "checkpoints")
    watch.say("already trained")
    return trained


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a model."""
    return (folder / "model.json").is_file()
