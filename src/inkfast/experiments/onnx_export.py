"""Exporting a trained network as one ONNX file: pixels in, calibrated probabilities out."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from inkfast.core.digits import Digits, Images
from inkfast.core.errors import InkfastError
from inkfast.core.io import sha256, write_bytes, write_json
from inkfast.evaluation.calibration import apply_temperature
from inkfast.experiments.calibration import (
    SET_COVERAGE,
    Calibration,
    calibrate,
    calibrate_thresholds,
    fit_spec_of,
    noises_met_in_training,
)
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import ExperimentData
from inkfast.imaging.opening import encode_png
from inkfast.inference.drift import CONFIDENCES
from inkfast.inference.onnx_classifier import (
    GUARANTEES,
    METADATA_KEY,
    PREDICTION_SETS,
    OnnxClassifier,
    error_summary,
)
from inkfast.inference.single_digit import load_digit
from inkfast.models import Network
from inkfast.training import TrainedModel
from inkfast.training.validation import validation_digits

_TOLERANCE = 1e-5  # largest difference of a probability from torch's
_INT8_DIFFERENCES = 0.002  # largest share of labels that may differ with 8-bit weights


class _Graph(nn.Module):
    """The exported function: uint8 ``(n, 28, 28)`` in, calibrated probabilities out."""

    def __init__(self, model: nn.Module, temperature: float) -> None:
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images.to(torch.float32).div(255)[:, None])
        probabilities: Tensor = (logits / self.temperature).softmax(1)
        return probabilities


def export_onnx(
    model_spec: ModelSpec, trained: TrainedModel, experiment: Experiment, dataset: ExperimentData,
    path: Path, max_error: float, *, int8: bool = False, checks: Sequence[Digits] = (),
) -> tuple[OnnxClassifier, list[str]]:  # fmt: skip
    """Write a run's network as one file, and beside it a JSON file with its SHA-256.

    Args:
        model_spec: The network's entry in the experiment.
        trained: The trained network.
        experiment: Experiment of the run.
        dataset: The digits of the run. Its validation rows calibrate the file, which must predict
            from image files what the network predicts from the pixels of the test images.
        path: Path of the file, ending in `.onnx`.
        max_error: Guaranteed bound on the share of errors among the file's answers; if it cannot
            be guaranteed, the file has the smallest bound that can.
        int8: Whether weights and activations are rounded to 8 bits, which makes the file smaller
            and faster. The guarantee is fitted on the rounded network.
        checks: Digits on which file and network must agree, besides the test images.

    Returns:
        The file, opened, and for each set of digits a sentence on how closely it agrees.

    Raises:
        InkfastError: If the file would predict differently from the network; nothing is written.
    """
    if not isinstance(model_spec.architecture, Network):
        raise InkfastError(f"{model_spec.name} is not a network: only networks are exported.")
    known = calibrate(model_spec, trained, experiment, dataset, max_error)
    content = to_onnx(trained, known.temperature)
    if int8:
        fit_spec = fit_spec_of(model_spec, trained, experiment, dataset)
        content = quantize(content, validation_digits(fit_spec).images)
        small = OnnxClassifier(content, str(path))
        known = calibrate_thresholds(
            fit_spec, lambda rows: small.probabilities(rows.images), known.temperature, max_error
        )
    about = describe_network(trained, experiment, dataset.whole, known)
    about["test_digits"] = dataset.clean.fingerprint
    if int8:
        about["precision"] = "int8"
    return write_network(
        content, about, trained, (dataset.test, *checks), path, known.temperature, int8=int8
    )


def write_network(
    content: bytes, about: dict[str, Any], trained: TrainedModel, checks: Sequence[Digits],
    path: Path, temperature: float, *, int8: bool = False,
) -> tuple[OnnxClassifier, list[str]]:  # fmt: skip
    """Write a network with its metadata, if it answers as the trained one; see `export_onnx`.

    Args:
        content: The ONNX file without metadata.
        about: Metadata, see `describe_network`.
        trained: The trained network.
        checks: Digits on which file and network must agree.
        path: Path of the file, ending in `.onnx`.
        temperature: Temperature of the file.
        int8: Whether the file is rounded to 8 bits.
    """
    content = with_metadata(content, about)
    classifier = OnnxClassifier(content, str(path))
    sentences = [
        _check_parity(trained, classifier, digits, temperature, int8=int8) for digits in checks
    ]
    write_bytes(path, content)
    write_json(path.with_suffix(".json"), about | {"sha256": sha256(content)})
    return classifier, sentences


def describe_network(
    trained: TrainedModel, experiment: Experiment, digits: str, known: Calibration
) -> dict[str, Any]:
    """Return the metadata of a file: how its network was trained, and its guarantees.

    Args:
        trained: The trained network.
        experiment: Experiment with its noise.
        digits: SHA-256 of the digits that it was trained on and that were held back.
        known: Its calibration.
    """
    return {
        "inkfast": version("inkfast"),
        "model": str(trained.architecture),
        "recipe": dataclasses.asdict(trained.recipe),
        "earlier_recipes": trained.earlier,
        "seed": trained.seed,
        "training_noise": str(noises_met_in_training(experiment, trained)),
        "digits": digits,
        "pooled": int(experiment.pooled),  # then the test digits are partly training digits
        "validation_accuracy": trained.best.validation_accuracy,
        "temperature": known.temperature,
        "calibration_digits": known.guarantee.n,
        "strict": known.strict,
        "max_error": known.smallest.max_error,
        "max_error_asked": known.guarantee.max_error,
        "threshold": within_json(known.smallest.threshold),
        GUARANTEES: [
            [one.max_error, within_json(one.threshold)]
            for one in sorted(
                {
                    p.max_error: p for p in (*known.offered, known.guarantee, known.smallest)
                }.values(),
                key=lambda one: one.max_error,
            )
        ],
        PREDICTION_SETS: []
        if isnan(known.set_threshold)
        else [[SET_COVERAGE, known.set_threshold]],
        CONFIDENCES: known.confidences,
    }


def within_json(threshold: float) -> float:
    """Return a threshold, or 2, which no confidence reaches, for an infinite one."""
    return min(threshold, 2.0)


def _check_parity(
    trained: TrainedModel,
    classifier: OnnxClassifier,
    digits: Digits,
    temperature: float,
    *,
    int8: bool,
) -> str:
    """Compare the network on pixels with the file on the same images read from PNG files."""
    read = _from_files(digits.images)
    inverted = (read == 255 - digits.images).all(axis=(1, 2))  # taken for dark ink on light paper
    pixels = np.where(inverted[:, None, None], read, digits.images)
    expected = apply_temperature(
        trained.probabilities(Digits(pixels, None, digits.name)), temperature
    )
    found = classifier.probabilities(read)
    largest = float(np.abs(found - expected).max())
    different = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    allowed = int(_INT8_DIFFERENCES * len(digits)) if int8 else 0
    if different > allowed or (largest > _TOLERANCE and not int8):
        fix = " Export it with --to onnx for a file without rounding." if int8 else ""
        raise InkfastError(
            f"the exported network does not predict as the trained one: {different} of the "
            f"{len(digits)} labels of {digits.name} differ, at most {allowed} may; probabilities "
            f"differ by up to {largest:.2g}. Nothing was written.{fix}"
        )
    return (
        f"{digits.name}, {len(digits):,} images read from PNG files: {different} labels differ "
        f"from the network's, at most {allowed} may; probabilities differ by up to {largest:.1g}"
    )


def _from_files(images: Images) -> Images:
    """Return images ``(n, 28, 28)`` as `predict` reads them from PNG files."""
    files = (encode_png(Image.fromarray(image)) for image in images)
    return np.stack([load_digit("the image", file)[0] for file in files])


def to_onnx(trained: TrainedModel, temperature: float) -> bytes:
    """Return a network as an ONNX file: uint8 ``(n, 28, 28)`` in, calibrated probabilities out.

    Raises:
        InkfastError: If torch cannot export it.
    """
    example = torch.zeros(2, 28, 28, dtype=torch.uint8)
    try:
        with silent():
            program = torch.onnx.export(
                _Graph(trained.model, temperature).eval(),
                (example,),
                dynamo=True,
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes={"images": {0: torch.export.Dim("n", min=1)}},
                external_data=False,
                verbose=False,
            )
    except Exception as error:  # torch raises many kinds of errors for a module of one's own
        raise InkfastError(
            f"torch cannot export {trained.architecture} to ONNX: {error_summary(error)}"
        ) from None
    assert program is not None  # noqa: S101 - only older exporters return None
    return bytes(program.model_proto.SerializeToString())


def with_metadata(content: bytes, about: dict[str, Any]) -> bytes:
    """Return an ONNX model with inkfast's metadata."""
    import onnx

    proto = onnx.load_from_string(content)
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(about)})
    return bytes(proto.SerializeToString())


def quantize(content: bytes, images: Images) -> bytes:
    """Return an ONNX model with 8-bit weights, per channel, and 8-bit activations.

    Weights use 7 of their 8 bits: processors without VNNI add products in pairs, in 16 bits, which
    full weights overflow silently. Source: ONNX Runtime's notes on `reduce_range`.

    Args:
        content: Content of the ONNX file.
        images: uint8 ``(n, 28, 28)``, whose first 1,000 set the range of the activations.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class _Batches(CalibrationDataReader):  # type: ignore[misc]  # it has no types
        def __init__(self) -> None:
            self.batches = iter(
                [images[i : i + 100] for i in range(0, min(len(images), 1000), 100)]
            )

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"images": batch}

    with tempfile.TemporaryDirectory() as folder, silent():
        first, second, third = (Path(folder, f"{step}.onnx") for step in range(3))
        first.write_bytes(content)
        quant_pre_process(first, second, skip_symbolic_shape=True)
        quantize_static(
            second, third, _Batches(), per_channel=True, reduce_range=True,
            activation_type=QuantType.QUInt8,  # as processors multiply them
            op_types_to_quantize=["Conv", "MaxPool", "Relu", "ReduceMax", "Gemm"],
        )  # fmt: skip
        return third.read_bytes()


@contextmanager
def silent() -> Iterator[None]:
    """Keep warnings and progress of torch and ONNX off the terminal."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in ("onnxscript", "torch.onnx"):
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
