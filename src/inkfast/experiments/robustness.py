"""Robustness of a run's models or of an ONNX file: judged under a suite, summed up, written."""

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
from inkfast.core.io import nan_to_none, sha256
from inkfast.core.output_folder import FolderKind
from inkfast.evaluation import robustness as judging
from inkfast.evaluation.calibration import apply_temperature
from inkfast.evaluation.robustness import Candidate, Judgement
from inkfast.evaluation.scores import wilson_interval
from inkfast.experiments.calibration import (
    SET_COVERAGE,
    calibrate,
    fit_spec_of,
    noises_met_in_training,
)
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import NOT_COMPARED, ExperimentData, without_seen_images
from inkfast.experiments.run_folder import FITS
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.training import TrainedModel
from inkfast.training.trained_model import WEIGHTS_FILE
from inkfast.training.validation import validation_digits

FIGURES_FILE, PICTURE_FILE = "robustness.json", "robustness.png"
ROBUSTNESS = FolderKind("a robustness evaluation", (FIGURES_FILE, PICTURE_FILE))


@dataclass(frozen=True)
class RobustnessSpec:
    """What is asked: of whom, on what.

    Attributes:
        suite: Name of the suite.
        noises: Its corruptions, ``clean`` first.
        seed: Of the corruption.
        max_error: What the classifiers promise.
        candidates: Who is judged.
        protocols: Training protocol of each model, i to v, or ``unknown``.
        weights: SHA-256 of each file that is judged.
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
    """Ask a run's models, each calibrated on the validation rows it was chosen by.

    Args:
        experiment: Of the run.
        trained: Its finished models.
        dataset: The run's own digits; None if they are not to be had, and then models are judged
            as they are and answer always.
        digits: To judge on, clean.
        weights: See `weights_of`.
        suite: Name of the suite.
        seed: Of the corruption.
        max_error: The share of errors among answers that a model aims not to exceed.
        validation: Whether each model is judged on its own validation rows, for choices still to
            be made, as it is and answering always: those rows cannot calibrate it as well.
    """
    noises = judging.suite_noises(suite)
    candidates, protocols = [], {}
    for model_spec, model in trained:
        protocols[model_spec.name] = judging.protocol(
            noises_met_in_training(experiment, model), noises
        )
        heat, threshold, level, own = 1.0, float("nan"), float("nan"), digits
        if dataset is not None and validation:
            fit_spec = fit_spec_of(model_spec, model, experiment, dataset)
            own = validation_digits(dataclasses.replace(fit_spec, train_noise="none"))
        elif dataset is not None:
            known = calibrate(model_spec, model, experiment, dataset, max_error)
            heat, threshold, level = known.temperature, known.promise.threshold, known.level
        answer = _reader(model, heat)
        candidates.append(Candidate(model_spec.name, model.seed, own, answer, threshold, level))
    limit = float("nan") if dataset is None or validation else max_error
    return RobustnessSpec(suite, noises, seed, limit, candidates, protocols, weights)


def weights_of(run: Path) -> dict[str, str]:
    """Return the SHA-256 of the weights of each of a run's finished fits, by the fit's folder."""
    files = sorted((run / FITS).glob(f"*/{WEIGHTS_FILE}"))
    return {path.parent.name: sha256(path.read_bytes()) for path in files}


def apart(digits: Digits, dataset: ExperimentData | None) -> Digits:
    """Return digits that a run was not trained on; if that is not known, the name says so."""
    if dataset is None:
        return dataclasses.replace(digits, name=f"{digits.name}{NOT_COMPARED}")
    return without_seen_images(digits, dataset.train)


def robustness_of_onnx(
    path: Path, source: Source, *, suite: str, seed: int, threshold: float | None, threads: int
) -> RobustnessSpec:
    """Ask a classifier in an ONNX file, whoever made it.

    Args:
        path: The file.
        source: The digits: its test part if it has one, else all.
        suite: Name of the suite.
        seed: Of the corruption.
        threshold: Confidence from which it answers; None for the one that the file names, if any.
        threads: Of a call; 0 for all cores.

    Raises:
        InkfastError: If the file was trained on these very digits.
    """
    noises = judging.suite_noises(suite)
    classifier = OnnxClassifier.open(path, threads)
    about = classifier.metadata
    own = about.text("digits") == source.train.fingerprint
    if own and (source.test is None or about.number("pooled") == 1):
        raise InkfastError(
            f"{path} was trained on a part of these digits: expected others, or a source with a "
            "test part of its own. Judge its run folder, which knows its test digits."
        )
    named = float(np.maximum(about.number("threshold"), MIN_CONFIDENCE))  # NaN stays
    digits = source.test or source.train
    answers = classifier.probabilities
    level = named if threshold is None else threshold
    sets = dict(about.pairs("label_sets")).get(SET_COVERAGE, float("nan"))
    candidate = Candidate(path.stem, 0, digits, answers, level, sets)
    met = about.text("training_noise")
    label = judging.protocol(noise.build_noise(met), noises) if met else "unknown"
    limit = about.number("max_error") if threshold is None else float("nan")
    weights = {path.stem: sha256(path.read_bytes())}
    return RobustnessSpec(suite, noises, seed, limit, [candidate], {path.stem: label}, weights)


def _reader(model: TrainedModel, heat: float) -> Callable[..., Any]:
    return lambda images: apply_temperature(
        model.probabilities(Digits(images, None, "corrupted")), heat
    )


def measure(question: RobustnessSpec, begin: Callable[[str], None] = lambda text: None) -> Any:
    """Judge everyone under every corruption.

    Args:
        question: What is asked.
        begin: Told of each corruption before it begins.

    Returns:
        What `robustness.json` holds.
    """
    found = list(
        judging.evaluate_robustness(question.candidates, question.noises, question.seed, begin)
    )
    counts = {one.name: len(one.digits) for one in question.candidates}
    digits = question.candidates[0].digits  # with `validation` each model has its own
    prints = {one.digits.fingerprint for one in question.candidates}
    names = list(dict.fromkeys(one.model for one in found))
    rows = [
        _row([one for one in found if (one.model, one.noise) == (name, text)], counts[name])
        for name in names
        for text in question.noises
    ]
    return {
        "suite": question.suite, "seed": question.seed,
        "weights": question.weights, "digits": digits.name, "fingerprints": sorted(prints),
        "max_error": nan_to_none(question.max_error), "label_sets": SET_COVERAGE,
        "models": [_summary(name, rows, question) for name in names], "rows": rows,
    }  # fmt: skip


def _row(found: list[Judgement], n: int) -> dict[str, Any]:
    """Return means over a model's seeds under one corruption."""
    accuracies = [one.accuracy for one in found]
    low, high = wilson_interval(float(np.mean(accuracies)), n)
    several = len(found) > 1
    return {
        "model": found[0].model, "noise": found[0].noise, "seeds": len(found), "n": n,
        "accuracy": float(np.mean(accuracies)),
        "accuracy_std": float(np.std(accuracies, ddof=1)) if several else None,
        "accuracy_ci95": [low, high],
        **{key: _mean([getattr(one, key) for one in found])
           for key in ("ece", "coverage", "error", "set_coverage", "set_size")},
    }  # fmt: skip


def _summary(name: str, rows: list[dict[str, Any]], question: RobustnessSpec) -> dict[str, Any]:
    own = [row for row in rows if row["model"] == name]
    noisy = own[1:]  # clean is the first
    worst = min(noisy, key=lambda row: float(row["accuracy"]))
    return {
        "model": name, "protocol": question.protocols[name], "clean": own[0]["accuracy"],
        "mean": float(np.mean([row["accuracy"] for row in noisy])),
        "worst": worst["accuracy"], "worst_noise": worst["noise"],
        "mean_ece": float(np.mean([row["ece"] for row in noisy])),
        "worst_ece": float(np.max([row["ece"] for row in noisy])),
        **{key: _mean([row[key] for row in noisy]) for key in ("set_coverage", "set_size")},
    }  # fmt: skip


def _mean(values: list[float | None]) -> float | None:
    """Return the mean; None if a value is undefined."""
    return nan_to_none(float(np.mean(np.array(values, float))))
