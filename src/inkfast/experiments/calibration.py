"""A run's model beside the validation rows it was chosen by: how sure it is, when it may answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkfast import noise
from inkfast.core.digits import Digits
from inkfast.core.errors import InkfastError
from inkfast.evaluation.calibration import heated, temperature
from inkfast.evaluation.selective import Promise, label_set_level, promise
from inkfast.experiments.config import (
    Entry,
    Experiment,
)
from inkfast.experiments.dataset import Material
from inkfast.noise import Chain
from inkfast.training import Task, Trained
from inkfast.training.balancing import SYNTHETIC
from inkfast.training.validation import calibration_digits, validation_digits

OFFERED = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # shares of errors that an export offers
SET_COVERAGE = 0.99  # of label sets, on digits like those they were calibrated on

Answers: TypeAlias = Callable[[Digits], NDArray[np.float64]]


@dataclass(frozen=True)
class Calibration:
    """What rows that did not train a network said of it, or of a file that is made of it.

    Attributes:
        temperature: By which logits are divided, fitted on validation rows.
        promise: From which confidence it answers.
        offers: The same for each of `OFFERED`; each holds by itself, not all together.
        strict: Whether the promise was made on rows that chose nothing, and so holds strictly;
            validation rows chose the epoch.
        level: Least probability of a label in label sets that hold the right one with a chance of
            `SET_COVERAGE`; NaN if there are too few digits.
    """

    temperature: float
    promise: Promise
    offers: tuple[Promise, ...]
    strict: bool
    level: float


def calibrate(
    entry: Entry, model: Trained, experiment: Experiment, material: Material, max_error: float
) -> Calibration:
    """Calibrate a model under the noise it was validated under."""
    task = task_of(entry, model, experiment, material)
    rows = validation_digits(task)
    heat = temperature(model.probabilities(rows), rows.known_labels)
    return promised(task, lambda rows: heated(model.probabilities(rows), heat), heat, max_error)


def promised(task: Task, answers: Answers, heat: float, max_error: float) -> Calibration:
    """Return what whoever answers can promise, by the task's rows for that.

    Args:
        task: By which the network was trained.
        answers: Gives the probabilities ``(n, 10)`` of digits, at the temperature.
        heat: The temperature.
        max_error: The share of errors among answers not to be exceeded.
    """
    strict = task.recipe.calibration > 0
    rows = calibration_digits(task) if strict else validation_digits(task)
    found, labels = answers(rows), rows.known_labels
    asked, *offers = (promise(found, labels, error) for error in (max_error, *OFFERED))
    try:
        level = label_set_level(found, labels, SET_COVERAGE)
    except InkfastError:
        level = float("nan")
    return Calibration(heat, asked, tuple(offers), strict, level)


def task_of(entry: Entry, model: Trained, experiment: Experiment, material: Material) -> Task:
    """Return the task that a run's model was trained by."""
    task = experiment.task(entry, material.train, model.seed)
    return dataclasses.replace(task, recipe=model.recipe)


def met_in_training(experiment: Experiment, model: Trained) -> Chain:
    """Return every corruption that a model met in training, augmentation included.

    Digits that were blended or written for it count as an elastic augmentation.
    """
    augment = noise.build(model.recipe.augment)
    if model.recipe.written or model.recipe.balance in SYNTHETIC:
        augment = Chain((*augment, *noise.build("elastic")), "")  # new digits bend the given ones
    fresh = noise.build("none" if experiment.train_noise == "none" else experiment.noise)
    chain = Chain((*augment, *fresh), "")
    return Chain(chain.noises, str(chain))
