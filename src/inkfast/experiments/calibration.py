"""Calibrating a run's model: its temperature, risk guarantees and prediction sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkfast import noise
from inkfast.core.digits import Digits, Labels
from inkfast.core.errors import InkfastError
from inkfast.evaluation.calibration import apply_temperature, fit_temperature, to_logits
from inkfast.evaluation.selective import (
    RiskGuarantee,
    fit_smallest_guarantee,
    fit_threshold,
    prediction_set_threshold,
)
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import ExperimentData
from inkfast.inference.drift import summarize_confidences
from inkfast.noise import Chain
from inkfast.training import FitSpec, TrainedModel
from inkfast.training.balancing import SYNTHETIC
from inkfast.training.validation import calibration_digits, validation_digits

OFFERED = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)  # max_error of the guarantees in every export
SET_COVERAGE = 0.99  # chance that a prediction set holds the label

PredictProbabilities: TypeAlias = Callable[[Digits], NDArray[np.float64]]


@dataclass(frozen=True)
class Calibration:
    """Calibration of a network, or of an ONNX file made from it, on rows that did not train it.

    Attributes:
        temperature: Temperature the logits are divided by, fitted on validation rows.
        guarantee: Threshold for the `max_error` asked for.
        smallest: The same if it can be guaranteed, else for the smallest `max_error` that can.
        offered: The same for each of `OFFERED`; each holds by itself, not all at once.
        strict: Whether the rows chose nothing, so that guarantees hold strictly; validation rows
            chose the epoch.
        set_threshold: Least probability of a class in a prediction set that holds the label with a
            chance of `SET_COVERAGE`; NaN if there are too few digits.
        confidences: Confidences of the rows, see `inkfast.inference.drift.summarize_confidences`.
    """

    temperature: float
    guarantee: RiskGuarantee
    smallest: RiskGuarantee
    offered: tuple[RiskGuarantee, ...]
    strict: bool
    set_threshold: float
    confidences: list[list[float]]


def calibrate(
    model_spec: ModelSpec,
    model: TrainedModel,
    experiment: Experiment,
    dataset: ExperimentData,
    max_error: float,
) -> Calibration:
    """Calibrate a model under the noise of its validation rows."""
    fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
    rows = validation_digits(fit_spec)
    temperature = fit_temperature(to_logits(model.probabilities(rows)), rows.known_labels)

    def predict(rows: Digits) -> NDArray[np.float64]:
        return apply_temperature(model.probabilities(rows), temperature)

    return calibrate_thresholds(fit_spec, predict, temperature, max_error)


def calibrate_thresholds(
    fit_spec: FitSpec, predict: PredictProbabilities, temperature: float, max_error: float
) -> Calibration:
    """Fit the thresholds of a classifier on the calibration rows, or else the validation rows.

    Args:
        fit_spec: What the network was trained with.
        predict: Function from digits to probabilities ``(n, 10)`` at the temperature.
        temperature: The temperature.
        max_error: Bound on the share of errors among answers, in (0, 1).
    """
    strict = fit_spec.recipe.calibration > 0
    rows = calibration_digits(fit_spec) if strict else validation_digits(fit_spec)
    return fit_thresholds(predict(rows), rows.known_labels, temperature, max_error, strict=strict)


def fit_thresholds(
    probabilities: NDArray[np.float64], labels: Labels, temperature: float, max_error: float, *,
    strict: bool,
) -> Calibration:  # fmt: skip
    """Fit the thresholds of a classifier on its answers.

    Args:
        probabilities: Probabilities at the temperature, float64 ``(n, 10)``.
        labels: Right classes, int64 ``(n,)``.
        temperature: The temperature.
        max_error: Bound on the share of errors among answers, in (0, 1).
        strict: Whether the rows chose nothing.
    """
    guarantee, *offered = (
        fit_threshold(probabilities, labels, error) for error in (max_error, *OFFERED)
    )
    confidence, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    try:
        set_threshold = prediction_set_threshold(probabilities, labels, SET_COVERAGE)
    except InkfastError:
        set_threshold = float("nan")
    return Calibration(
        temperature,
        guarantee,
        fit_smallest_guarantee(confidence, wrong, max_error),
        tuple(offered),
        strict,
        set_threshold,
        summarize_confidences(confidence),
    )


def fit_spec_of(
    model_spec: ModelSpec, model: TrainedModel, experiment: Experiment, dataset: ExperimentData
) -> FitSpec:
    """Return the `FitSpec` that a run's model was trained with."""
    fit_spec = experiment.fit_spec(model_spec, dataset.train, model.seed)
    return dataclasses.replace(fit_spec, recipe=model.recipe)


def noises_met_in_training(experiment: Experiment, model: TrainedModel) -> Chain:
    """Return every noise that a model met in training, augmentation included.

    Blended and synthetic digits count as elastic augmentation.
    """
    augment = noise.build_noise(model.recipe.augment)
    if model.recipe.synthetic or model.recipe.balance in SYNTHETIC:
        augment = Chain((*augment, *noise.build_noise("elastic")), "")
    fresh = noise.build_noise("none" if experiment.train_noise == "none" else experiment.noise)
    chain = Chain((*augment, *fresh), "")
    return Chain(chain.noises, str(chain))
