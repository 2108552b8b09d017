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
from inkfast.evaluation.calibration import apply_temperature, fit_temperature, to_logits
from inkfast.evaluation.selective import RiskGuarantee, fit_threshold, prediction_set_threshold
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import ExperimentData
from inkfast.noise import Chain
from inkfast.training import FitSpec, TrainedModel
from inkfast.training.balancing import SYNTHETIC
from inkfast.training.validation import calibration_digits, validation_digits

OFFERED = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # shares of errors that an export offers
SET_COVERAGE = 0.99  # of label sets, on digits like those they were calibrated on

PredictProbabilities: TypeAlias = Callable[[Digits], NDArray[np.float64]]


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
    promise: RiskGuarantee
    offers: tuple[RiskGuarantee, ...]
    strict: bool
    level: float


def calibrate(
    model_spec: ModelSpec,
    model: TrainedModel,
    experiment: Experiment,
    dataset: ExperimentData,
    max_error: float,
) -> Calibration:
    """Calibrate a model under the noise it was validated under."""
    fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
    rows = validation_digits(fit_spec)
    heat = fit_temperature(to_logits(model.probabilities(rows)), rows.known_labels)
    return calibrate_answers(
        fit_spec, lambda rows: apply_temperature(model.probabilities(rows), heat), heat, max_error
    )


def calibrate_answers(
    fit_spec: FitSpec, answers: PredictProbabilities, heat: float, max_error: float
) -> Calibration:
    """Return what whoever answers can promise, by the task's rows for that.

    Args:
        fit_spec: By which the network was trained.
        answers: Gives the probabilities ``(n, 10)`` of digits, at the temperature.
        heat: The temperature.
        max_error: The share of errors among answers not to be exceeded.
    """
    strict = fit_spec.recipe.calibration > 0
    rows = calibration_digits(fit_spec) if strict else validation_digits(fit_spec)
    found, labels = answers(rows), rows.known_labels
    asked, *offers = (fit_threshold(found, labels, error) for error in (max_error, *OFFERED))
    try:
        level = prediction_set_threshold(found, labels, SET_COVERAGE)
    except InkfastError:
        level = float("nan")
    return Calibration(heat, asked, tuple(offers), strict, level)


def fit_spec_of(
    model_spec: ModelSpec, model: TrainedModel, experiment: Experiment, dataset: ExperimentData
) -> FitSpec:
    """Return the task that a run's model was trained by."""
    fit_spec = experiment.fit_spec(model_spec, dataset.train, model.seed)
    return dataclasses.replace(fit_spec, recipe=model.recipe)


def noises_met_in_training(experiment: Experiment, model: TrainedModel) -> Chain:
    """Return every corruption that a model met in training, augmentation included.

    Digits that were blended or written for it count as an elastic augmentation.
    """
    augment = noise.build_noise(model.recipe.augment)
    if model.recipe.synthetic or model.recipe.balance in SYNTHETIC:
        augment = Chain(
            (*augment, *noise.build_noise("elastic")), ""
        )  # new digits bend the given ones
    fresh = noise.build_noise("none" if experiment.train_noise == "none" else experiment.noise)
    chain = Chain((*augment, *fresh), "")
    return Chain(chain.noises, str(chain))
