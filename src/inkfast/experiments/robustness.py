"""Robustness of a run's models or of an ONNX file under a suite of noises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkfast import noise
from inkfast.core.digits import MIN_CONFIDENCE, Digits, Source
from inkfast.core.errors import InkfastError
from inkfast.core.intervals import wilson_interval
from inkfast.core.io import nan_to_none, sha256
from inkfast.core.output_folder import FolderKind
from inkfast.evaluation.calibration import apply_temperature
from inkfast.evaluation.robustness import (
    Candidate,
    RobustnessScores,
    evaluate_robustness,
    protocol,
    suite_noises,
)
from inkfast.experiments.calibration import (
    SET_COVERAGE,
    calibrate,
    fit_spec_of,
    noises_met_in_training,
)
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import NOT_COMPARED, ExperimentData, without_seen_images
from inkfast.experiments.run_folder import FITS
from inkfast.inference.onnx_classifier import PREDICTION_SETS, OnnxClassifier
from inkfast.training import TrainedModel
from inkfast.training.trained_model import WEIGHTS_FILE
from inkfast.training.validation import validation_digits

FIGURES_FILE, PICTURE_FILE = "robustness.json", "robustness.png"
ROBUSTNESS = FolderKind("a robustness evaluation", (FIGURES_FILE, PICTURE_FILE))


@dataclass(frozen=True)
class RobustnessSpec:
    """What is evaluated: classifiers, digits and noises.

    Attributes:
        suite: Name of the suite.
        noises: Its noises, ``clean`` first.
        seed: Seed of the corruption.
        max_error: Guaranteed bound on the classifiers' errors; NaN without a guarantee.
        candidates: Classifiers with their digits.
        protocols: Training protocol of each model, i to v, or ``unknown``.
        weights: SHA-256 of each file of weights.
    """

    suite: str
    noises: tuple[str, ...]
    seed: int
    max_error: float
    candidates: list[Candidate]
    protocols: dict[str, str]
    weights: dict[str, str]


def robustness_of_run(
    experiment: Experiment, trained: list[tuple[ModelSpec, TrainedModel]],
    dataset: ExperimentData | None, digits: Digits, weights: dict[str, str], *, suite: str,
    seed: int, max_error: float, validation: bool,
) -> RobustnessSpec:  # fmt: skip
    """Return the evaluation of a run's models, each calibrated on its own rows.

    Args:
        experiment: Experiment of the run.
        trained: Its finished models.
        dataset: The run's own digits; None if they are not available: then models are evaluated
            uncalibrated and answer always.
        digits: Clean digits to evaluate on.
        weights: See `run_weights`.
        suite: Name of the suite.
        seed: Seed of the corruption.
        max_error: Bound on the share of errors among answers that thresholds are fitted for.
        validation: Whether each model is evaluated on its own validation rows, for choices still
            to be made. Those rows cannot calibrate it as well, so it answers always.
    """
    noises = suite_noises(suite)
    candidates, protocols = [], {}
    for model_spec, model in trained:
        protocols[model_spec.name] = protocol(noises_met_in_training(experiment, model), noises)
        temperature, threshold, set_threshold, own = 1.0, float("nan"), float("nan"), digits
        if dataset is not None and validation:
            fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
            own = validation_digits(dataclasses.replace(fit_spec, train_noise="none"))
        elif dataset is not None:
            known = calibrate(model_spec, model, experiment, dataset, max_error)
            temperature, threshold = known.temperature, known.guarantee.threshold
            set_threshold = known.set_threshold
        predict = _calibrated(model, temperature)
        candidates.append(
            Candidate(model_spec.name, model.seed, own, predict, threshold, set_threshold)
        )
    limit = float("nan") if dataset is None or validation else max_error
    return RobustnessSpec(suite, noises, seed, limit, candidates, protocols, weights)


def run_weights(run: Path) -> dict[str, str]:
    """Return the SHA-256 of the weights of each of a run's finished fits, by the fit's folder."""
    files = sorted((run / FITS).glob(f"*/{WEIGHTS_FILE}"))
    return {path.parent.name: sha256(path.read_bytes()) for path in files}


def without_training_images(digits: Digits, dataset: ExperimentData | None) -> Digits:
    """Return digits that a run was not trained on; if that is unknown, their name says so."""
    if dataset is None:
        return dataclasses.replace(digits, name=f"{digits.name}{NOT_COMPARED}")
    return without_seen_images(digits, dataset.train)


def robustness_of_onnx(
    classifier: OnnxClassifier,
    source: Source,
    *,
    suite: str,
    seed: int,
    threshold: float | None,
) -> RobustnessSpec:
    """Return the evaluation of a classifier in an ONNX file, whoever made it.

    Args:
        classifier: The file, opened.
        source: The digits: its test part if it has one, else all.
        suite: Name of the suite.
        seed: Seed of the corruption.
        threshold: Least confidence of an answer; None for the one in the file, if any.

    Raises:
        InkfastError: If the file was trained on these digits, or `threshold` is given for one that
            returns labels alone.
    """
    noises, path = suite_noises(suite), Path(classifier.name)
    if threshold is not None and classifier.returns == "labels":
        raise InkfastError(
            f"{path} returns labels alone, without confidences: leave --threshold out."
        )
    about = classifier.metadata
    own = about.text("digits") == source.train.fingerprint
    if own and (source.test is None or about.number("pooled") == 1):
        raise InkfastError(
            f"{path} was trained on a part of these digits: expected others, or a source with a "
            "test part of its own. Evaluate its run folder, which knows its test digits."
        )
    named = float(np.maximum(about.number("threshold"), MIN_CONFIDENCE))  # NaN stays
    digits = source.test or source.train
    least = named if threshold is None else threshold
    set_threshold = dict(about.pairs(PREDICTION_SETS)).get(SET_COVERAGE, float("nan"))
    candidate = Candidate(
        path.stem, 0, digits, classifier.probabilities, least, set_threshold,
        labels_only=classifier.returns == "labels",
    )  # fmt: skip
    met = about.text("training_noise")
    label = protocol(noise.build_noise(met), noises) if met else "unknown"
    limit = about.number("max_error") if threshold is None else float("nan")
    weights = {path.stem: sha256(path.read_bytes())}
    return RobustnessSpec(suite, noises, seed, limit, [candidate], {path.stem: label}, weights)


def _calibrated(model: TrainedModel, temperature: float) -> Callable[..., Any]:
    return lambda images: apply_temperature(
        model.probabilities(Digits(images, None, "corrupted")), temperature
    )


def measure_robustness(
    spec: RobustnessSpec, on_noise: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Score every classifier under every noise.

    Args:
        spec: What is evaluated.
        on_noise: Called with each noise before it is applied.

    Returns:
        The content of `robustness.json`.
    """
    found = list(evaluate_robustness(spec.candidates, spec.noises, spec.seed, on_noise))
    counts = {one.name: len(one.digits) for one in spec.candidates}
    digits = spec.candidates[0].digits  # with `validation` each model has its own
    prints = {one.digits.fingerprint for one in spec.candidates}
    names = list(dict.fromkeys(one.model for one in found))
    rows = [
        _noise_row([one for one in found if (one.model, one.noise) == (name, text)], counts[name])
        for name in names
        for text in spec.noises
    ]
    return {
        "suite": spec.suite, "seed": spec.seed,
        "weights": spec.weights, "digits": digits.name, "fingerprints": sorted(prints),
        "max_error": nan_to_none(spec.max_error), "prediction_sets": SET_COVERAGE,
        "models": [_model_row(name, rows, spec) for name in names], "rows": rows,
    }  # fmt: skip


def _noise_row(found: list[RobustnessScores], n: int) -> dict[str, Any]:
    """Return means over a model's seeds under one noise."""
    accuracies = [one.accuracy for one in found]
    low, high = wilson_interval(float(np.mean(accuracies)), n)
    several = len(found) > 1
    return {
        "model": found[0].model, "noise": found[0].noise, "seeds": len(found), "n": n,
        "accuracy": float(np.mean(accuracies)),
        "accuracy_std": float(np.std(accuracies, ddof=1)) if several else None,
        "accuracy_ci95": [low, high],
        **{key: _mean_or_none([getattr(one, key) for one in found])
           for key in ("ece", "coverage", "error", "set_coverage", "set_size")},
    }  # fmt: skip


def _model_row(name: str, rows: list[dict[str, Any]], spec: RobustnessSpec) -> dict[str, Any]:
    own = [row for row in rows if row["model"] == name]
    noisy = own[1:]  # clean is the first
    worst = min(noisy, key=lambda row: float(row["accuracy"]))
    return {
        "model": name, "protocol": spec.protocols[name], "clean": own[0]["accuracy"],
        "mean": float(np.mean([row["accuracy"] for row in noisy])),
        "worst": worst["accuracy"], "worst_noise": worst["noise"],
        "mean_ece": _mean_or_none([row["ece"] for row in noisy]),
        "worst_ece": nan_to_none(float(np.max(np.array([row["ece"] for row in noisy], float)))),
        **{key: _mean_or_none([row[key] for row in noisy]) for key in ("set_coverage", "set_size")},
    }  # fmt: skip


def _mean_or_none(values: list[float | None]) -> float | None:
    """Return the mean; None if a value is undefined."""
    return nan_to_none(float(np.mean(np.array(values, float))))
