"""`export`: a trained network as one ONNX file that answers for raw pixels."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from inkfast import __version__
from inkfast.core.digits import Digits, Images
from inkfast.core.errors import InkfastError
from inkfast.core.io import sha256, write_bytes, write_json
from inkfast.evaluation.calibration import apply_temperature
from inkfast.experiments.calibration import (
    SET_COVERAGE,
    Calibration,
    calibrate,
    calibrate_answers,
    fit_spec_of,
    noises_met_in_training,
)
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import ExperimentData
from inkfast.imaging.opening import encode_png
from inkfast.inference.onnx_classifier import METADATA_KEY, OnnxClassifier
from inkfast.inference.single_digit import load_digit
from inkfast.models import Network
from inkfast.training import TrainedModel
from inkfast.training.validation import validation_digits

_TOLERANCE = 1e-5  # by which a probability may differ from torch's
_OTHERS = 0.002  # share of labels that may differ once weights and activations are 8 bits


class _Graph(nn.Module):
    """What the file computes: uint8 ``(n, 28, 28)`` in, calibrated probabilities out."""

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
        model_spec: The network as the experiment has it.
        trained: The network.
        experiment: Of the run.
        dataset: The digits of the run: its validation rows calibrate the file, which must answer
            from picture files as the network does on the pixels of its test images.
        path: The file, `.onnx`.
        max_error: The share of errors among its answers that the file promises not to exceed.
        int8: Whether weights and activations are rounded to 8 bits: smaller and faster, and nearly
            the same answers. The promise is made for these answers.
        checks: Digits for which it must answer as the network does, beside the test images.

    Returns:
        The file, opened, and a sentence for each set of digits on how alike it answers.

    Raises:
        InkfastError: If the file would answer differently from the network; nothing is written.
    """
    if not isinstance(model_spec.architecture, Network):
        raise InkfastError(f"{model_spec.name} is no network: only networks are exported.")
    known = calibrate(model_spec, trained, experiment, dataset, max_error)
    content = _content(trained, known.temperature)
    if int8:
        fit_spec = fit_spec_of(model_spec, trained, experiment, dataset)
        content = quantised(content, validation_digits(fit_spec).images)
        small = OnnxClassifier(content, str(path))
        known = calibrate_answers(
            fit_spec, lambda rows: small.probabilities(rows.images), known.temperature, max_error
        )
    about = _about(model_spec, trained, experiment, dataset, known)
    if int8:
        about["precision"] = "int8"
    content = _described(content, about)
    classifier = OnnxClassifier(content, str(path))
    told = [
        _check_parity(trained, classifier, digits, known.temperature, int8=int8)
        for digits in (dataset.test, *checks)
    ]
    write_bytes(path, content)
    write_json(path.with_suffix(".json"), about | {"sha256": sha256(content)})
    return classifier, told


def _about(
    model_spec: ModelSpec,
    trained: TrainedModel,
    experiment: Experiment,
    dataset: ExperimentData,
    known: Calibration,
) -> dict[str, Any]:
    """Return what a file says of its network: how it was made, and what it promises."""
    return {
        "inkfast": __version__,
        "model": str(model_spec.architecture),
        "recipe": dataclasses.asdict(trained.recipe),
        "seed": trained.seed,
        "training_noise": str(noises_met_in_training(experiment, trained)),
        "digits": dataset.whole,
        "pooled": int(experiment.pooled),  # then it was trained on a part of the test digits too
        "validation_accuracy": trained.best.validation_accuracy,
        "temperature": known.temperature,
        "calibration_digits": known.promise.n,
        "strict": known.strict,
        "max_error": known.promise.max_error,
        "threshold": _within_json(known.promise.threshold),
        "promises": [
            [one.max_error, _within_json(one.threshold)]
            for one in sorted(
                {p.max_error: p for p in (*known.offers, known.promise)}.values(),
                key=lambda one: one.max_error,
            )
        ],
        "label_sets": [] if isnan(known.level) else [[SET_COVERAGE, known.level]],
    }


def _within_json(threshold: float) -> float:
    """Return a threshold as it is, and 2, which no confidence reaches, for an infinite one."""
    return min(threshold, 2.0)


def _check_parity(
    trained: TrainedModel,
    classifier: OnnxClassifier,
    digits: Digits,
    temperature: float,
    *,
    int8: bool,
) -> str:
    """Say how alike the network answers for pixels and the file for the same as picture files."""
    seen = _from_files(digits.images)
    turned = (seen == 255 - digits.images).all(axis=(1, 2))  # what is dark on light in a file
    pixels = np.where(turned[:, None, None], seen, digits.images)
    expected = apply_temperature(
        trained.probabilities(Digits(pixels, None, digits.name)), temperature
    )
    found = classifier.probabilities(seen)
    far = float(np.abs(found - expected).max())
    others = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
    allowed = int(_OTHERS * len(digits)) if int8 else 0
    if others > allowed or (far > _TOLERANCE and not int8):
        mend = " Export it with --to onnx for a file that answers alike." if int8 else ""
        raise InkfastError(
            f"the exported network does not answer as the trained one: {others} of the "
            f"{len(digits)} labels of {digits.name} differ, at most {allowed} may; probabilities "
            f"differ by up to {far:.2g}. Nothing was written.{mend}"
        )
    return (
        f"{digits.name}, {len(digits):,} images read from PNG files: {others} labels differ from "
        f"the network's, at most {allowed} may; probabilities differ by up to {far:.1g}"
    )


def _from_files(images: Images) -> Images:
    """Return what `predict` sees of images ``(n, 28, 28)`` once each is a PNG file."""
    files = (encode_png(Image.fromarray(image)) for image in images)
    return np.stack([load_digit("the image", file)[0] for file in files])


def _content(trained: TrainedModel, temperature: float) -> bytes:
    example = torch.zeros(2, 28, 28, dtype=torch.uint8)
    with _silent():
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
    assert program is not None  # noqa: S101 - it is None for older exporters alone
    return bytes(program.model_proto.SerializeToString())


def _described(content: bytes, about: dict[str, Any]) -> bytes:
    """Return a model with what it says of itself."""
    import onnx

    proto = onnx.load_from_string(content)
    onnx.helper.set_model_props(proto, {METADATA_KEY: json.dumps(about)})
    return bytes(proto.SerializeToString())


def quantised(content: bytes, images: Images) -> bytes:
    """Return a model with 8-bit weights, per channel, and activations whose range images show.

    Weights use 7 of their 8 bits: processors without VNNI add products in pairs, in 16 bits, which
    full weights overflow without a word. Source: ONNX Runtime's notes on `reduce_range`.

    Args:
        content: Of the ONNX file.
        images: uint8 ``(n, 28, 28)`` like those to be read; the first 1,000 count.
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

    with tempfile.TemporaryDirectory() as folder, _silent():
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
def _silent() -> Iterator[None]:
    """Keep the warnings and progress of others' exporters off the terminal."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for name in ("onnxscript", "torch.onnx"):
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
