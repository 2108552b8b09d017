"""Exporting a network that reads numbers as one ONNX file: strips in, log-probabilities out.

Batch normalisation is folded into the convolutions, whose weights are rounded to 16 bits and stored
so; they are multiplied in 32 bits. Temperature and thresholds are fitted on the file itself.
"""

from __future__ import annotations

import copy
import dataclasses
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inkfast.core.errors import InkfastError
from inkfast.core.io import sha256, write_bytes, write_json
from inkfast.evaluation.number_calibration import CalibrationStrips, fit_number_temperature
from inkfast.evaluation.selective import fit_answer_threshold, fit_smallest_guarantee
from inkfast.experiments.calibration import OFFERED
from inkfast.experiments.number_experiment import NumberExperiment, number_strips
from inkfast.experiments.onnx_export import silent, with_metadata, within_json
from inkfast.inference.drift import CONFIDENCES, summarize_confidences
from inkfast.inference.number_network import OnnxNumberNetwork
from inkfast.inference.number_strips import FRAME_WIDTH, STRIP_HEIGHT, other_views
from inkfast.inference.numbers import ALPHABET
from inkfast.inference.onnx_classifier import GUARANTEES
from inkfast.training import hardware
from inkfast.training.number_model import StripRecogniser, TrainedNumberNetwork
from inkfast.training.number_shards import CALIBRATION, VALIDATION, LabelledStrips
from inkfast.training.number_sources import attributions
from inkfast.training.number_validation import read_best_path

_TOLERANCE = 1e-3  # largest difference of a probability from that of the rounded network
_ROUNDING_DIFFERENCES = 0.005  # largest share of texts that rounding the weights may change
_TEMPERATURE_STRIPS = 1000  # validation strips that the temperature is fitted on
_COMPARED_STRIPS = 1000  # validation strips on which file and network are compared
_SMALLEST = 256  # numbers of the smallest tensor that is stored in 16 bits


def export_numbers(
    experiment: NumberExperiment, trained: TrainedNumberNetwork, run: Path, path: Path,
    max_error: float,
) -> tuple[OnnxNumberNetwork, str]:  # fmt: skip
    """Write a run's network as one file, and beside it a JSON file with its SHA-256.

    Args:
        experiment: Experiment of the run.
        trained: The trained network.
        run: The run folder. Temperature and guarantees are fitted on its validation and
            calibration strips; file and network are compared on its validation strips.
        path: Path of the file, ending in `.onnx`.
        max_error: Guaranteed bound on the share of errors among the numbers that are sure; if it
            cannot be guaranteed, the file has the smallest bound that can.

    Returns:
        The file, opened, and a sentence on how closely it agrees with the network.

    Raises:
        InkfastError: If the file would read differently from the network; nothing is written.
    """
    rounded = dataclasses.replace(trained, model=round_weights(fold_batch_norm(trained.model)))
    graph = store_in_16_bits(_trace_strips(rounded.model))
    about = _describe(experiment, trained)
    validation = number_strips(run, VALIDATION)
    network = OnnxNumberNetwork(with_metadata(graph, about), str(path), threads=1)
    about |= _calibrate(network, validation, number_strips(run, CALIBRATION), max_error)
    content = with_metadata(graph, about)
    network = OnnxNumberNetwork(content, str(path), threads=1)
    with hardware.torch_threads(1):  # beside a busy process, two threads wait for each other
        sentence = _check_same_readings(trained, rounded, network, validation)
    write_bytes(path, content)
    write_json(path.with_suffix(".json"), about | {"sha256": sha256(content)})
    return network, sentence


def fold_batch_norm(model: nn.Module) -> nn.Module:
    """Return a network with each batch normalisation folded into the convolution before it.

    Source: Jacob and others (2018), Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference, section 3.2.
    """
    folded = copy.deepcopy(model).eval()
    for block in [part for part in folded.modules() if isinstance(part, nn.Sequential)]:
        for place in range(len(block) - 1):
            first, second = block[place], block[place + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                block[place] = fuse_conv_bn_eval(first, second)
                block[place + 1] = nn.Identity()
    return folded


@torch.no_grad()
def round_weights(model: nn.Module) -> nn.Module:
    """Round the weights of a network's convolutions and dense layers to 16 bits, in place."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.weight.copy_(layer.weight.half().float())
    return model


def store_in_16_bits(content: bytes) -> bytes:
    """Return an ONNX model whose weights are stored in 16 bits where that changes none of them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    proto = onnx.load_from_string(content)
    casts = []
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            continue
        half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return bytes(proto.SerializeToString())


def _trace_strips(model: nn.Module) -> bytes:
    example = torch.zeros(2, STRIP_HEIGHT, 100, dtype=torch.uint8)
    count, width = torch.export.Dim("n", min=1), torch.export.Dim("width", min=12, max=100_000)
    with silent():
        program = torch.onnx.export(
            StripRecogniser(model).eval(),
            (example,),
            dynamo=True,
            input_names=["strips"],
            output_names=["log_probabilities"],
            dynamic_shapes={"strips": {0: count, 2: width}},
            external_data=False,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - only older exporters return None
    return bytes(program.model_proto.SerializeToString())


def _describe(experiment: NumberExperiment, trained: TrainedNumberNetwork) -> dict[str, Any]:
    """Return the metadata of a file: its input and output, and how it was trained."""
    return {
        "inkfast": version("inkfast"),
        "task": "numbers",
        "input": f"grey strips, uint8 (n, {STRIP_HEIGHT}, width), of one number each",
        "output": "logarithms of probabilities (n, frames, characters + 1), the blank last",
        "alphabet": ALPHABET,
        "height": STRIP_HEIGHT,
        "stride": FRAME_WIDTH,
        "model": str(experiment.architecture),
        "recipe": dataclasses.asdict(trained.recipe),
        "earlier_recipes": trained.earlier,
        "seed": trained.seed,
        "validation_accuracy": trained.best.validation_accuracy,
        "character_error": trained.best.character_error,
        "training_data": attributions(trained.recipe),
    }


def _calibrate(
    network: OnnxNumberNetwork,
    validation: LabelledStrips,
    calibration: LabelledStrips,
    max_error: float,
) -> dict[str, Any]:
    """Return temperature and guarantees of a network, as metadata.

    Guarantees hold strictly: calibration strips chose neither the epoch nor the temperature.
    """
    temperature = fit_number_temperature(_with_frames(network, validation, _TEMPERATURE_STRIPS))
    confidence, wrong = _with_frames(network, calibration, len(calibration)).answers(temperature)
    smallest = fit_smallest_guarantee(confidence, wrong, max_error)
    offered = {
        error: within_json(fit_answer_threshold(confidence, wrong, error).threshold)
        for error in sorted({*OFFERED, max_error, smallest.max_error})
    }
    return {
        "temperature": temperature,
        "calibration_strips": len(calibration),
        "strict": True,
        "max_error": smallest.max_error,
        "max_error_asked": max_error,
        "threshold": offered[smallest.max_error],
        GUARANTEES: [[error, threshold] for error, threshold in offered.items()],
        CONFIDENCES: summarize_confidences(confidence),
    }


def _with_frames(
    network: OnnxNumberNetwork, strips: LabelledStrips, count: int
) -> CalibrationStrips:
    """Return the first strips with what a network says of them."""
    frames = [
        [network.log_probabilities(view[None])[0] for view in (image, *other_views(image))]
        for image in strips.images[:count]
    ]
    return CalibrationStrips(frames, strips.texts[:count])


def _check_same_readings(
    trained: TrainedNumberNetwork,
    rounded: TrainedNumberNetwork,
    network: OnnxNumberNetwork,
    strips: LabelledStrips,
) -> str:
    """Compare the file with the rounded network, and its texts with those of the trained one."""
    largest, different = 0.0, 0
    images = strips.images[:_COMPARED_STRIPS]
    for image in images:
        found, expected, exact = (
            one.log_probabilities(image[None])[0] for one in (network, rounded, trained)
        )
        largest = max(largest, float(np.abs(np.exp(found) - np.exp(expected)).max()))
        different += _best_path(found) != _best_path(exact)
    allowed = int(_ROUNDING_DIFFERENCES * len(images))
    if largest > _TOLERANCE or different > allowed:
        raise InkfastError(
            f"the exported network does not read as the trained one: {different} of the "
            f"{len(images):,} texts differ, at most {allowed} may; probabilities differ by up to "
            f"{largest:.2g} from those of the network with rounded weights. Nothing was written."
        )
    return (
        f"{len(images):,} composed strips: {different} texts differ from the network's, at most "
        f"{allowed} may; probabilities differ by up to {largest:.1g} from those of the network "
        "with rounded weights"
    )


def _best_path(log_probs: NDArray[np.float32]) -> str:
    (text,) = read_best_path(torch.from_numpy(log_probs)[None], torch.tensor([len(log_probs)]))
    return text
