"""A fitted `DigitClassifier` as an ONNX file, calibrated on the rows that did not train it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from inkfast import noise
from inkfast.core.digits import CLASSES
from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.core.io import check_free
from inkfast.core.random import derive_seed
from inkfast.estimator.features import PixelFeatures
from inkfast.estimator.held_back import HeldBack
from inkfast.evaluation.calibration import apply_temperature, fit_temperature, to_logits
from inkfast.experiments.calibration import Calibration, fit_thresholds
from inkfast.experiments.config import Experiment
from inkfast.experiments.onnx_export import describe_network, to_onnx, write_network
from inkfast.models import Network
from inkfast.noise.copies import noisy
from inkfast.synthetic.handwriting import make_handwriting

if TYPE_CHECKING:
    from inkfast.estimator.classifier import DigitClassifier

_CHECKED = 1000  # drawn digits on which file and network must agree


def write_onnx(
    classifier: DigitClassifier, path: Path, max_error: float, *, overwrite: bool
) -> None:
    """Write the network of a fitted classifier; see `DigitClassifier.export`.

    Raises:
        InkfastError: If it does not read images of the ten digits, no rows were held back, or the
            file would predict differently from the network; nothing is written.
    """
    check_number("max_error", max_error, above=0, high=0.999)
    if path.suffix.lower() != ".onnx":
        raise InkfastError(f"`path` must end in .onnx, got {path}.")
    for file in (path, path.with_suffix(".json")):
        check_free(file, overwrite=overwrite)
    _check_reads_digits(classifier)
    known = _calibration_of(_held_back(classifier), max_error)
    trained = classifier.trained_
    experiment = Experiment(noise=classifier.noise, train_noise=classifier.train_noise)
    about = describe_network(trained, experiment, classifier.fingerprint_, known)
    drawn = make_handwriting(_CHECKED, trained.seed)
    chain = noise.build_noise(classifier.noise)
    checks = [noisy(drawn, chain, derive_seed(trained.seed, "test noise"))]
    write_network(
        to_onnx(trained, known.temperature), about, trained, checks, path, known.temperature
    )


def _check_reads_digits(classifier: DigitClassifier) -> None:
    """Raise unless the features are 28x28 images and the classes are the ten digits."""
    if not isinstance(classifier.trained_.architecture, Network):
        raise InkfastError(f"{classifier.model} is not a network: only networks are exported.")
    if not isinstance(classifier.features_, PixelFeatures):
        raise InkfastError(
            "an exported network reads 28x28 images: expected a classifier of 784 features, got "
            f"{classifier.n_features_in_}."
        )
    try:
        digits = [float(one) for one in classifier.classes_]
    except ValueError:
        digits = []
    if digits != list(range(CLASSES)):
        raise InkfastError(
            "an exported network reads digits: expected the classes 0 to 9, got "
            f"{short_repr(classifier.classes_.tolist())}."
        )


def _held_back(classifier: DigitClassifier) -> HeldBack:
    if classifier.held_back_ is None:
        raise InkfastError(
            "an exported network is calibrated on rows that did not train it, and there were too "
            "few to hold any back. Fit it with more rows, or with validation=(X, y)."
        )
    return classifier.held_back_


def _calibration_of(held_back: HeldBack, max_error: float) -> Calibration:
    labels = held_back.validation_labels
    temperature = fit_temperature(to_logits(held_back.validation), labels)
    probabilities, strict = held_back.validation, len(held_back.calibration_labels) > 0
    if strict:
        probabilities, labels = held_back.calibration, held_back.calibration_labels
    cooled = apply_temperature(probabilities, temperature)
    return fit_thresholds(cooled, labels, temperature, max_error, strict=strict)
