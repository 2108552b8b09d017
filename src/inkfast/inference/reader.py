"""`Reader`: a classifier that returns a digit with its confidence, or why it is unsure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import MIN_CONFIDENCE, Images
from inkfast.core.errors import InkfastError, check_number, command_name, unknown_name
from inkfast.inference.onnx_classifier import GUARANTEES, ModelMetadata, OnnxClassifier

SHIPPED_FOLDER = Path(__file__).parent / "shipped"
DEFAULT_MODEL = "reader"  # the shipped network that reads through noise
NOT_A_DIGIT = "this does not look like a digit"
NO_GUARANTEE = "no error rate could be guaranteed for this network"
_MIN_FIRST_VIEW = 0.3  # confidence of an image's first view below which others are not tried
_MIN_TOP_TWO = 0.9  # least sum of the two largest probabilities; below: not a digit. By eye


@dataclass(frozen=True)
class Prediction:
    """What a reader says of one 28x28 image.

    Attributes:
        digit: The most probable digit, 0 to 9.
        confidence: Calibrated probability that it is right, in [0, 1]; NaN from a network that
            returns labels alone.
        runner_up: The second most probable digit, 0 to 9; None from such a network.
        runner_up_confidence: Calibrated probability of the second most probable, in [0, 1]; NaN
            from such a network.
        unsure: Reason not to rely on the digit; "" if the reader is sure.
    """

    digit: int
    confidence: float
    runner_up: int | None
    runner_up_confidence: float
    unsure: str = ""


class ProbabilityModel(Protocol):
    """A classifier as a reader needs it: identified, and with calibrated probabilities."""

    name: str
    fingerprint: str
    metadata: ModelMetadata

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, bright ink on dark."""
        ...


class Reader:
    """A classifier that answers only if it is confident enough.

    Args:
        classifier: Model that gives calibrated probabilities.
        threshold: Confidence from which the reader answers, in [0, 1]; above 1 it never answers.
        labels_only: Whether the model returns labels alone, so that nothing has a confidence.
        notice: Sentence on the model that users should see, or "".

    Attributes:
        classifier: Model that gives calibrated probabilities.
        threshold: Confidence from which the reader answers.
        labels_only: Whether nothing has a confidence.
        notice: Sentence on the model that users should see, or "".
    """

    def __init__(
        self,
        classifier: ProbabilityModel,
        threshold: float,
        *,
        labels_only: bool = False,
        notice: str = "",
    ) -> None:
        self.classifier, self.threshold = classifier, threshold
        self.labels_only, self.notice = labels_only, notice

    @classmethod
    def open(
        cls,
        model: str = DEFAULT_MODEL,
        max_error: float | None = None,
        threads: int = 0,
        onnx_format: str = "",
    ) -> Reader:
        """Open a shipped network by name, or any ONNX file by path.

        Args:
            model: Name of a shipped network, see `shipped_names`, or path of an .onnx file.
            max_error: Largest share of errors among the answers, in (0, 1); the share that the
                file was exported with by default.
            threads: Threads of a call; 0 for all cores.
            onnx_format: How a network of another tool takes pixels and what it returns, such as
                ``mean=0.1307, std=0.3081, output=logits``; see `inkfast.inference.onnx_format`.

        Raises:
            InkfastError: If there is no such model, its file was changed, it guarantees no share
                of errors as small as `max_error`, or it is not of the format.
        """
        classifier = OnnxClassifier.open(model_path(model), threads, onnx_format)
        return cls(
            classifier,
            confidence_threshold(classifier.metadata, max_error),
            labels_only=classifier.returns == "labels",
            notice=classifier.notice,
        )

    def predict(self, images: Images) -> list[Prediction]:
        """Read images.

        Args:
            images: uint8 ``(n, 28, 28)``, bright ink on dark.

        Returns:
            A prediction for each image.

        Raises:
            InkfastError: If the images have another type or shape.
        """
        return self.to_predictions(self.classifier.probabilities(images))

    def to_predictions(self, probabilities: NDArray[np.float64]) -> list[Prediction]:
        """Return predictions for class probabilities ``(n, 10)`` of the classifier."""
        return [self._to_prediction(row) for row in probabilities]

    def choose_view(self, probabilities: NDArray[np.float64]) -> int:
        """Return which view of one image to answer by.

        It is the first if that is sure, or if it shows nothing like a digit; else the most
        confident one.

        Args:
            probabilities: Class probabilities ``(views, 10)`` of the classifier.
        """
        confidences = probabilities.max(axis=1)
        decided = confidences[0] >= self.threshold or confidences[0] < _MIN_FIRST_VIEW
        return 0 if decided else int(confidences.argmax())

    def _to_prediction(self, row: NDArray[np.float64]) -> Prediction:
        second, first = (int(digit) for digit in np.argsort(row, kind="stable")[-2:])
        confidence = float(row[first])
        if self.labels_only:
            return Prediction(first, float("nan"), None, float("nan"))
        reason = "" if confidence >= self.threshold else f"it may be {first} or {second}"
        if reason and row[first] + row[second] < min(self.threshold, _MIN_TOP_TWO):
            reason = NOT_A_DIGIT
        if self.threshold > 1:  # whatever it looks like
            reason = NO_GUARANTEE
        return Prediction(first, confidence, second, float(row[second]), reason)


def shipped_names(folder: Path = SHIPPED_FOLDER) -> list[str]:
    """Return the names of the shipped networks in a folder; by default those of digits."""
    return sorted(path.stem for path in folder.glob("*.onnx"))


def model_path(model: str, folder: Path = SHIPPED_FOLDER) -> Path:
    """Return the path of a shipped network or of an .onnx file.

    Args:
        model: Name of a shipped network, or path of an .onnx file.
        folder: Folder of the shipped networks.

    Raises:
        InkfastError: If it is neither.
    """
    if model.lower().endswith(".onnx"):
        return Path(model)
    names = shipped_names(folder)
    if Path(model).is_dir() and model not in names:
        raise InkfastError(
            f"{model} is a folder: expected a shipped network or an .onnx file. If it is a run, "
            f"export it: {command_name()} export {shlex.quote(model)} --to reader.onnx"
        )
    if model not in names:
        raise unknown_name("shipped network", model, names)
    return folder / f"{model}.onnx"


def guaranteed_error(metadata: ModelMetadata, threshold: float) -> float:
    """Return the smallest share of errors that a model guarantees above a threshold, or NaN.

    Args:
        metadata: Metadata of the model.
        threshold: Confidence from which a reader answers, see `confidence_threshold`.
    """
    return min(
        (
            error
            for error, lowest in metadata.pairs(GUARANTEES)
            if max(MIN_CONFIDENCE, lowest) <= threshold <= 1
        ),
        default=float("nan"),
    )


def confidence_threshold(metadata: ModelMetadata, max_error: float | None) -> float:
    """Return the confidence from which a model answers; 0 if it guarantees nothing.

    Args:
        metadata: Metadata of the model.
        max_error: Largest share of errors among the answers, in (0, 1); the share that the model
            was exported with by default.

    Raises:
        InkfastError: If the model guarantees no share of errors as small.
    """
    if max_error is None:
        named = metadata.number("threshold")
        return 0.0 if np.isnan(named) else max(MIN_CONFIDENCE, named)
    check_number("max_error", max_error, above=0, high=0.999)
    guarantees = metadata.pairs(GUARANTEES)  # share of errors, and the threshold for it
    kept = [threshold for error, threshold in guarantees if error <= max_error and threshold <= 1]
    if not kept:
        known = ", ".join(f"{error:g}" for error, threshold in guarantees if threshold <= 1)
        shipped = SHIPPED_FOLDER in Path(metadata.name).parents
        how = " Ask for one of these, or more." if known else ""
        how += "" if shipped else " Guarantees are tested when a model is exported, by --max-error."
        raise InkfastError(
            f"{metadata.name} does not guarantee max_error={max_error:g}; it guarantees "
            f"{known or 'nothing'}.{how}"
        )
    return max(MIN_CONFIDENCE, min(kept))
