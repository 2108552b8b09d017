"""Weights of an ONNX file that inkfast exported, put back into the architecture it names."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inkfast import models
from inkfast.core.errors import InkfastError
from inkfast.core.pixels import to_unit
from inkfast.evaluation.calibration import apply_temperature
from inkfast.inference.onnx_classifier import OnnxClassifier, read_verified
from inkfast.inference.onnx_graph import probe_images
from inkfast.models import Network
from inkfast.training.starting_weights import StartingWeights

_PREFIX = "model."  # of the names of weights in exported files
_TOLERANCE = 1e-4  # of a probability; the weights of folded layers are rounded once more
_COUNTED = "num_batches_tracked"  # a buffer that evaluation does without

Arrays = dict[str, NDArray[Any]]


def read_onnx_weights(path: Path) -> tuple[Network, StartingWeights, dict[str, Any]]:
    """Return the architecture, the weights and the metadata of an exported file.

    Raises:
        InkfastError: If inkfast did not export it, or its weights cannot be put back.
    """
    content = read_verified(path)
    classifier = OnnxClassifier(content, str(path), 1)
    about = classifier.metadata.values
    if not isinstance(about.get("model"), str) or not isinstance(about.get("recipe"), dict):
        raise InkfastError(
            f"{path} does not say how it was trained: expected a file that inkfast exported, or a "
            "run folder."
        )
    architecture = models.build_digit_model(about["model"])
    if not isinstance(architecture, Network):
        raise InkfastError(f"{path}: expected a network, got {architecture}.")
    weights, folded = _find_weights(path, architecture, _initializers(content))
    start = StartingWeights(weights, folded, [*about.get("earlier_recipes", []), about["recipe"]])
    _check_answers(path, architecture, start, classifier)
    return architecture, start, about


def _initializers(content: bytes) -> Arrays:
    """Return the constants of a graph by name."""
    import onnx

    tensors = onnx.load_from_string(content).graph.initializer
    return {one.name: np.array(onnx.numpy_helper.to_array(one)) for one in tensors}


def _find_weights(path: Path, architecture: Network, found: Arrays) -> tuple[Arrays, Arrays]:
    """Return the weights of a module by name, and the biases of folded layers."""
    module = models.create(architecture, torch.Generator())
    folded = {
        name: bias
        for before, name in _norms(module)
        if f"{_PREFIX}{name}.running_mean" not in found
        and (bias := _folded_bias(found, before)) is not None
    }
    weights: Arrays = {}
    for name, value in module.state_dict().items():
        owner, _, kind = name.rpartition(".")
        if owner in folded or kind == _COUNTED:
            continue
        own = found.get(f"{_PREFIX}{name}")
        if own is None and kind == "bias" and owner in {before for before, _ in _norms(module)}:
            own = np.zeros(tuple(value.shape), np.float32)  # it is part of the folded bias
        if own is None or own.shape != tuple(value.shape) or own.dtype != np.float32:
            raise _cannot_map(path, architecture, name)
        weights[name] = own
    return weights, folded


def _norms(module: nn.Module) -> list[tuple[str, str]]:
    """Return the name of each layer of batch normalisation after the name of the layer before."""
    leaves = [(name, one) for name, one in module.named_modules() if not [*one.children()]]
    return [
        (before, name)
        for (before, _), (name, one) in pairwise(leaves)
        if isinstance(one, nn.modules.batchnorm._BatchNorm)
    ]


def _folded_bias(found: Arrays, convolution: str) -> NDArray[Any] | None:
    """Return the bias that a convolution has got from the layer of batch normalisation after it."""
    return found.get(f"{_PREFIX}{convolution}.weight_bias")


def _check_answers(
    path: Path, architecture: Network, start: StartingWeights, classifier: OnnxClassifier
) -> None:
    """Raise unless a module with the weights answers as the file does."""
    images = probe_images()
    pixels = torch.tensor(to_unit(images))[:, None]
    module = start.module(architecture, pixels).eval()
    with torch.inference_mode():
        answers = module(pixels).double().softmax(1).numpy()
    answers = apply_temperature(answers, classifier.metadata.number("temperature"))
    if not np.allclose(answers, classifier.probabilities(images), atol=_TOLERANCE):
        raise _cannot_map(path, architecture, "the same answers")


def _cannot_map(path: Path, architecture: Network, missing: str) -> InkfastError:
    return InkfastError(
        f"{path}: its weights cannot be put back into {architecture}, which lacks {missing}: begin "
        "with the run folder that it was exported from."
    )
