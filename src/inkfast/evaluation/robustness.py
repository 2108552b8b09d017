"""How classifiers hold under the noise of a suite: accuracy, calibration, what is answered."""

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
from inkfast.evaluation.selective import coverage_and_error, prediction_sets
from inkfast.noise import SUITES, Chain

# What a model may have met in training, never to be mixed in one table without saying so.
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
    """A classifier to be judged.

    Attributes:
        name: Of the model; several seeds share it.
        seed: Which of them this is.
        digits: Labelled, clean digits that it has not been trained on.
        answer: uint8 ``(n, 28, 28)`` to probabilities ``(n, 10)``.
        threshold: Confidence from which it answers; NaN when that is not known.
        level: Least probability of a label in its label sets; NaN when that is not known.
    """

    name: str
    seed: int
    digits: Digits
    answer: Callable[[Images], NDArray[np.float64]]
    threshold: float
    level: float = float("nan")


@dataclass(frozen=True)
class Judgement:
    """What one classifier scored on one corrupted set.

    Attributes:
        model: The classifier's name.
        seed: Its seed.
        noise: The corruption, or ``clean``.
        accuracy: Share right, in [0, 1].
        ece: Expected calibration error, in [0, 1].
        coverage: Share answered at the classifier's threshold; NaN when it has none.
        error: Share wrong among those; NaN when none was answered.
        set_coverage: Share of label sets that hold the label; NaN when it has none.
        set_size: Labels of a set, on average; likewise.
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
    """Return the corruptions of a suite, clean digits first.

    Raises:
        InkfastError: Naming the suites there are.
    """
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return ("clean", *SUITES[name])


def evaluate_robustness(
    candidates: Iterable[Candidate],
    noises: Iterable[str],
    seed: int,
    begin: Callable[[str], None] = lambda text: None,
) -> Iterator[Judgement]:
    """Have every classifier read its digits under every noise; the same digits corrupted once.

    Args:
        candidates: The classifiers.
        noises: Chains, presets or ``clean``.
        seed: From which the corruption of each is drawn.
        begin: Told of each noise before it begins.
    """
    judged = list(candidates)
    for text in noises:
        begin(text)
        copies: dict[str, Digits] = {}
        for candidate in judged:
            clean = candidate.digits
            if clean.fingerprint not in copies:
                copies[clean.fingerprint] = _corrupt(clean, text, seed)
            yield _judgement(candidate, copies[clean.fingerprint], text)


def _corrupt(digits: Digits, text: str, seed: int) -> Digits:
    if text == "clean":
        return digits
    chain = noise.build_noise(
        text
    )  # seeded by its parameters: the published severity has two names
    return noise.noisy(digits, chain, derive_seed(seed, "robustness", *map(str, chain)))


def _judgement(candidate: Candidate, digits: Digits, text: str) -> Judgement:
    found, labels = candidate.answer(digits.images), digits.known_labels
    coverage = error = set_coverage = set_size = float("nan")
    if not np.isnan(candidate.threshold):
        coverage, error = coverage_and_error(found, labels, candidate.threshold)
    if not np.isnan(candidate.level):
        set_coverage, set_size = prediction_sets(found, labels, candidate.level)
    return Judgement(
        model=candidate.name,
        seed=candidate.seed,
        noise=text,
        accuracy=float((found.argmax(axis=1) == labels).mean()),
        ece=expected_calibration_error(found, labels),
        coverage=coverage,
        error=error,
        set_coverage=set_coverage,
        set_size=set_size,
    )


def protocol(met: Chain, tested: Iterable[str]) -> str:
    """Return the training protocol, i to iv, of a model that met a chain in training.

    Which of iii and iv it is depends on what it is tested on. Affine maps are generic, though
    MNIST-C tests some: so the published tables have it.
    """
    names = {part.name for link in met for part in link.parts()}
    if not names:
        return "i"
    if names <= _GENERIC:
        return "ii"
    chains = [noise.build_noise(text) for text in tested if text != "clean"]
    links = {part.name for chain in chains for link in chain for part in link.parts()}
    return "iv" if (names - _GENERIC) & links else "iii"
