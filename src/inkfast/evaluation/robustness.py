"""Robustness: accuracy, calibration and coverage of classifiers under the noises of a suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast import noise
from inkfast.core.digits import Digits, Images
from inkfast.core.errors import unknown_name
from inkfast.core.random import derive_seed
from inkfast.evaluation.calibration import expected_calibration_error
from inkfast.evaluation.selective import coverage_and_error, set_coverage_and_size
from inkfast.noise import SUITES, Chain

# What a model met in training; results under different protocols do not compare.
PROTOCOLS = {
    "i": "clean training only",
    "ii": "generic augmentation: affine maps, crops, erasing, elastic bends",
    "iii": "related noise, blur or brightness",
    "iv": "trained on corruptions that are tested",
    "v": "adapted at test time",
}
_GENERIC = {"affine", "rotate", "translate", "zoom", "shear", "elastic", "erase"}


@dataclass(frozen=True)
class Candidate:
    """A classifier to evaluate.

    Attributes:
        name: Name of the model, shared by its seeds.
        seed: Training seed.
        digits: Labelled, clean digits that it has not been trained on.
        predict_proba: Function from uint8 ``(n, 28, 28)`` to probabilities ``(n, 10)``.
        threshold: Least confidence of an answer; NaN if unknown.
        set_threshold: Least probability of a class in a prediction set; NaN if unknown.
        labels_only: Whether it gives labels alone, so that there is no calibration error.
    """

    name: str
    seed: int
    digits: Digits
    predict_proba: Callable[[Images], NDArray[np.float64]]
    threshold: float
    set_threshold: float = float("nan")
    labels_only: bool = False


@dataclass(frozen=True)
class RobustnessScores:
    """Scores of one classifier under one noise.

    Attributes:
        model: Name of the classifier.
        seed: Its training seed.
        noise: The noise, or ``clean``.
        accuracy: Share of correct predictions, in [0, 1].
        ece: Expected calibration error, in [0, 1]; NaN of a classifier without confidences.
        coverage: Share of digits answered at the threshold; NaN without a threshold.
        error: Share of wrong answers among those; NaN if none was answered.
        set_coverage: Share of prediction sets that hold the label; NaN without a threshold.
        set_size: Mean number of classes in a prediction set; NaN without a threshold.
    """

    model: str
    seed: int
    noise: str
    accuracy: float
    ece: float
    coverage: float
    error: float
    set_coverage: float
    set_size: float


def suite_noises(name: str) -> tuple[str, ...]:
    """Return the noises of a suite, ``clean`` first.

    Raises:
        InkfastError: If there is no suite of this name.
    """
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return ("clean", *SUITES[name])


def evaluate_robustness(
    candidates: Iterable[Candidate],
    noises: Iterable[str],
    seed: int,
    on_noise: Callable[[str], None] = lambda text: None,
) -> Iterator[RobustnessScores]:
    """Score every classifier under every noise; equal digits are corrupted once for all.

    Args:
        candidates: The classifiers.
        noises: Chains, presets or ``clean``.
        seed: Seed of the corruption.
        on_noise: Called with each noise before it is applied.
    """
    evaluated = list(candidates)
    for text in noises:
        on_noise(text)
        copies: dict[str, Digits] = {}
        for candidate in evaluated:
            clean = candidate.digits
            if clean.fingerprint not in copies:
                copies[clean.fingerprint] = _corrupt_once(clean, text, seed)
            yield _score_candidate(candidate, copies[clean.fingerprint], text)


def _corrupt_once(digits: Digits, text: str, seed: int) -> Digits:
    if text == "clean":
        return digits
    # seeded by its parameters, since a published severity has two names
    chain = noise.build_noise(text)
    return noise.noisy(digits, chain, derive_seed(seed, "robustness", *map(str, chain)))


def _score_candidate(candidate: Candidate, digits: Digits, text: str) -> RobustnessScores:
    probabilities, labels = candidate.predict_proba(digits.images), digits.known_labels
    coverage = error = set_coverage = set_size = float("nan")
    if not np.isnan(candidate.threshold):
        coverage, error = coverage_and_error(probabilities, labels, candidate.threshold)
    if not np.isnan(candidate.set_threshold):
        set_coverage, set_size = set_coverage_and_size(
            probabilities, labels, candidate.set_threshold
        )
    return RobustnessScores(
        model=candidate.name,
        seed=candidate.seed,
        noise=text,
        accuracy=float((probabilities.argmax(axis=1) == labels).mean()),
        ece=(
            float("nan")
            if candidate.labels_only
            else expected_calibration_error(probabilities, labels)
        ),
        coverage=coverage,
        error=error,
        set_coverage=set_coverage,
        set_size=set_size,
    )


def protocol(met: Chain, tested: Iterable[str]) -> str:
    """Return the training protocol, i to iv, of a model that was trained under a noise chain.

    Protocol iv is noise that is tested as well. Affine maps count as generic although MNIST-C tests
    some of them, as in the published tables.
    """
    names = {part.name for link in met for part in link.parts()}
    if not names:
        return "i"
    if names <= _GENERIC:
        return "ii"
    chains = [noise.build_noise(text) for text in tested if text != "clean"]
    links = {part.name for chain in chains for link in chain for part in link.parts()}
    return "iv" if (names - _GENERIC) & links else "iii"
