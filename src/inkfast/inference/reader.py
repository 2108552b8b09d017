"""`Reader`: a classifier that says what it read, how sure it is, and when it is not."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import MIN_CONFIDENCE, Images
from inkfast.core.errors import InkfastError, check_number, command_name, unknown_name
from inkfast.inference.onnx_classifier import ModelMetadata, OnnxClassifier

SHIPPED_FOLDER = Path(__file__).parent / "shipped"
DEFAULT_MODEL = "reader"  # the shipped network that reads through noise
_MIN_TOP_TWO = 0.9  # what the two best guesses at a digit make up together


@dataclass(frozen=True)
class Prediction:
    """What a reader says of one 28x28 image.

    Attributes:
        digit: The likeliest, 0 to 9.
        confidence: Calibrated probability that it is right, in [0, 1].
        runner_up: The next likeliest.
        runner_up_confidence: Its probability.
        unsure: Why the digit should not be relied on; "" when it can be.
    """

    digit: int
    confidence: float
    runner_up: int
    runner_up_confidence: float
    unsure: str = ""


class ProbabilityModel(Protocol):
    """What a reader needs of a classifier: what it is, and probabilities of images."""

    name: str
    fingerprint: str
    metadata: ModelMetadata

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, ink bright on dark."""
        ...


class Reader:
    """A classifier and the confidence from which it answers.

    Args:
        classifier: Gives probabilities.
        threshold: Least confidence with which to answer; above 1 it never does.

    Attributes:
        classifier: Gives probabilities.
        threshold: Least confidence with which to answer.
    """

    def __init__(self, classifier: ProbabilityModel, threshold: float) -> None:
        self.classifier, self.threshold = classifier, threshold

    @classmethod
    def open(
        cls, model: str = DEFAULT_MODEL, max_error: float | None = None, threads: int = 0
    ) -> Reader:
        """Open a shipped network by name, or any ONNX file by path.

        Args:
            model: A name, see `shipped_names`, or the path of a file that ends in .onnx.
            max_error: Share of errors among the answers that must not be exceeded; None takes the
                one that the file was made for.
            threads: Threads of a call; 0 for all cores.

        Raises:
            InkfastError: If there is no such model, its file was changed, or it promises nothing
                as strict as `max_error`.
        """
        classifier = OnnxClassifier.open(_model_path(model), threads)
        return cls(classifier, _confidence_threshold(classifier, max_error))

    def predict(self, images: Images) -> list[Prediction]:
        """Read uint8 ``(n, 28, 28)``, ink bright on dark; all else is refused."""
        return self.to_predictions(self.classifier.probabilities(images))

    def to_predictions(self, probabilities: NDArray[np.float64]) -> list[Prediction]:
        """Return what class probabilities ``(n, 10)`` of the classifier say."""
        return [self._answer(row) for row in probabilities]

    def _answer(self, row: NDArray[np.float64]) -> Prediction:
        second, first = (int(digit) for digit in np.argsort(row, kind="stable")[-2:])
        sure = float(row[first])
        reason = "" if sure >= self.threshold else f"it may be {first} or {second}"
        if reason and row[first] + row[second] < min(self.threshold, _MIN_TOP_TWO):
            reason = "it looks like no digit"
        if self.threshold > 1:  # whatever it looks like
            reason = "no promise about this network's errors could be made"
        return Prediction(first, sure, second, float(row[second]), reason)


def shipped_names() -> list[str]:
    """Return the names of the networks that inkfast ships."""
    return sorted(path.stem for path in SHIPPED_FOLDER.glob("*.onnx"))


def _model_path(model: str) -> Path:
    if model.lower().endswith(".onnx"):
        return Path(model)
    if Path(model).is_dir() and model not in shipped_names():
        raise InkfastError(
            f"{model} is a folder: expected a shipped network or an .onnx file. If it is a run, "
            f"export it: {command_name()} export {shlex.quote(model)} --to reader.onnx"
        )
    if model not in shipped_names():
        raise unknown_name("shipped network", model, shipped_names())
    return SHIPPED_FOLDER / f"{model}.onnx"


def _confidence_threshold(classifier: OnnxClassifier, max_error: float | None) -> float:
    """Return the least confidence with which the file answers, 0 if it promises nothing."""
    about = classifier.metadata
    if max_error is None:
        named = about.number("threshold")
        return 0.0 if np.isnan(named) else max(MIN_CONFIDENCE, named)
    check_number("max_error", max_error, above=0, high=0.999)
    promises = about.pairs("promises")
    kept = [threshold for error, threshold in promises if error <= max_error and threshold <= 1]
    if not kept:
        known = ", ".join(f"{error:g}" for error, threshold in promises if threshold <= 1)
        shipped = Path(classifier.name).parent == SHIPPED_FOLDER
        how = " Ask for one of these, or more." if known else ""
        how += "" if shipped else " What it promises is tested at its export, by --max-error."
        raise InkfastError(
            f"{classifier.name} cannot promise max_error={max_error:g}; it promises "
            f"{known or 'nothing'}.{how}"
        )
    return max(MIN_CONFIDENCE, min(kept))
