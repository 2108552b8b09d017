"""Robustness of a run's models or of an ONNX file: judged under a suite, summed up, written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkfast import noise
from inkfast.calibrated import calibrate, met_in_training, validation_rows
from inkfast.data import Source
from inkfast.data.digits import Digits
from inkfast.errors import InkfastError
from inkfast.evaluation import robustness as judging
from inkfast.evaluation.calibration import heated
from inkfast.evaluation.robustness import Candidate, Judgement
from inkfast.evaluation.scores import wilson_interval
from inkfast.experiment import Entry, Experiment
from inkfast.material import evaluation_digits, from_source
from inkfast.models import Network
from inkfast.reading.classifier import Classifier
from inkfast.training import Trained


@dataclass(frozen=True)
class Question:
    """What is asked: of whom, on what.

    Attributes:
        suite: Name of the suite.
        noises: Its corruptions, ``clean`` first.
        seed: Of the corruption.
        max_error: What the classifiers promise.
        candidates: Who is judged.
        protocols: Training protocol of each model, i to v, or ``unknown``.
    """

    suite: str
    noises: tuple[str, ...]
    seed: int
    max_error: float
    candidates: list[Candidate]
    protocols: dict[str, str]


def of_run(
    run: Path, experiment: Experiment, trained: list[tuple[Entry, Trained]], source: Source,
    *, suite: str, seed: int, max_error: float, validation: bool, same_data: bool,
) -> Question:  # fmt: skip
    """Ask a run's models, each calibrated on the validation rows it was chosen by.

    Args:
        run: The run folder.
        experiment: Of the run, with the data that are asked for.
        trained: Its finished models.
        source: The data asked for, loaded.
        suite: Name of the suite.
        seed: Of the corruption.
        max_error: The share of errors among answers that a model promises not to exceed.
        validation: Whether to judge on the first model's validation rows, for choices still to be
            made, and not on test digits.
        same_data: Whether the data asked for is what the run was trained on.

    Raises:
        InkfastError: If the validation rows are not to be had.
    """
    if validation and not same_data:
        raise InkfastError("--validation judges the run's own digits: leave --data out.")
    noises = judging.suite(suite)
    # refuses digits that have changed since, whose validation rows would mean nothing
    clean = dataclasses.replace(experiment, noise="none")
    digits = evaluation_digits(clean, source, run, same_data=same_data)
    material = from_source(experiment, source) if same_data else None
    candidates, protocols = [], {}
    for entry, model in trained:
        protocols[entry.name] = judging.protocol(met_in_training(experiment, model), noises)
        heat, threshold, own = 1.0, float("nan"), digits
        if material is not None and isinstance(entry.architecture, Network):
            known = calibrate(entry, model, experiment, material, max_error)
            heat, threshold = known.temperature, known.promise.threshold
            if validation:
                own = validation_rows(entry, model, experiment, material, noisy=False)
        elif validation:
            continue  # it has no validation rows that it was not fitted on in the end
        candidates.append(Candidate(entry.name, model.seed, own, _reader(model, heat), threshold))
    if not candidates:
        raise InkfastError("no model of this run has validation rows: leave --validation out.")
    return Question(suite, noises, seed, max_error, candidates, protocols)


def of_onnx(
    path: Path, digits: Digits, *, suite: str, seed: int, threshold: float, threads: int
) -> Question:
    """Ask a classifier in an ONNX file, whoever made it.

    Args:
        path: The file.
        digits: Clean.
        suite: Name of the suite.
        seed: Of the corruption.
        threshold: Confidence from which it answers; NaN for the one that the file names, if any.
        threads: Of a call; 0 for all cores.
    """
    classifier = Classifier.open(path, threads)
    about = classifier.about
    named = float(about.get("threshold", "nan"))
    candidate = Candidate(
        path.stem, 0, digits, classifier.probabilities, named if np.isnan(threshold) else threshold
    )
    noises = judging.suite(suite)
    met = about.get("training_noise")
    label = "unknown" if met is None else judging.protocol(noise.build(met), noises)
    limit = float(about.get("max_error", "nan"))
    return Question(suite, noises, seed, limit, [candidate], {path.stem: label})


def _reader(model: Trained, heat: float) -> Callable[..., Any]:
    return lambda images: heated(model.probabilities(Digits(images, None, "corrupted")), heat)


def measure(question: Question, begin: Callable[[str], None] = lambda text: None) -> Any:
    """Judge everyone under every corruption.

    Args:
        question: What is asked.
        begin: Told of each corruption before it begins.

    Returns:
        What `robustness.json` holds.
    """
    found = list(judging.judge(question.candidates, question.noises, question.seed, begin))
    counts = {one.name: len(one.digits) for one in question.candidates}
    digits = question.candidates[0].digits
    names = list(dict.fromkeys(one.model for one in found))
    rows = [
        _row([one for one in found if (one.model, one.noise) == (name, text)], counts[name])
        for name in names
        for text in question.noises
    ]
    return {
        "suite": question.suite, "seed": question.seed,
        "digits": digits.name, "fingerprint": digits.fingerprint,
        "max_error": _known([question.max_error]),
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
        **{key: _known([getattr(one, key) for one in found])
           for key in ("ece", "coverage", "error")},
    }  # fmt: skip


def _summary(name: str, rows: list[dict[str, Any]], question: Question) -> dict[str, Any]:
    own = [row for row in rows if row["model"] == name]
    noisy = own[1:]  # clean is the first
    worst = min(noisy, key=lambda row: float(row["accuracy"]))
    return {
        "model": name, "protocol": question.protocols[name], "clean": own[0]["accuracy"],
        "mean": float(np.mean([row["accuracy"] for row in noisy])),
        "worst": worst["accuracy"], "worst_noise": worst["noise"],
        "mean_ece": float(np.mean([row["ece"] for row in noisy])),
        "worst_ece": float(np.max([row["ece"] for row in noisy])),
    }  # fmt: skip


def _known(values: list[float]) -> float | None:
    """Return the mean; None, as JSON has no NaN, if a value is undefined."""
    found = float(np.mean(values))
    return None if np.isnan(found) else found
