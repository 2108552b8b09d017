"""The cost of a model: layers, parameters, operations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from inkfast.models.base import Architecture
from inkfast.models.baseline import Baseline, SklearnModule


@dataclass(frozen=True)
class Layer:
    """One layer of a summary: its name, the shape of its output for one image, its parameters."""

    name: str
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """The cost of an architecture.

    Attributes:
        layers: Layers from input to output.
        parameters: Number of trained parameters.
        flops: Floating-point operations of a forward pass of one image, of
            `Architecture.image_shape`, in matrix products and convolutions, counted by
            torch.utils.flop_counter; a multiply-add is two.
    """

    layers: tuple[Layer, ...]
    parameters: int
    flops: int


def summarise(architecture: Architecture) -> Summary | None:
    """Count layers, parameters and operations without running the model.

    Returns:
        The summary, or None for a baseline whose size depends on the training rows.
    """
    if isinstance(architecture, Baseline):
        widths = architecture.widths()
        return _summarise_dense(widths) if widths else None
    return _summarise_network(architecture)


def _summarise_dense(widths: tuple[int, ...]) -> Summary:
    """Return the summary of dense layers, each with a bias."""
    layers = tuple(
        Layer(f"Dense({inputs}, {outputs})", (outputs,), (inputs + 1) * outputs)
        for inputs, outputs in pairwise(widths)
    )
    flops = sum(2 * inputs * outputs for inputs, outputs in pairwise(widths))
    return Summary(layers, sum(layer.parameters for layer in layers), flops)


def _summarise_network(architecture: Architecture) -> Summary:
    from torch.utils.flop_counter import FlopCounterMode

    rows: list[Layer] = []

    def note(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        count = sum(p.numel() for p in module.parameters())
        rows.append(Layer(str(module), tuple(output.shape[1:]), count))

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = architecture.build().eval()
        for module in model.modules():
            if not list(module.children()):
                module.register_forward_hook(note)
        model(torch.zeros(1, *architecture.image_shape))
    return Summary(tuple(rows), count_parameters(model), int(counter.get_total_flops()))


def count_parameters(model: nn.Module) -> int:
    """Return the number of trained parameters, or of numbers that a fitted estimator holds."""
    if isinstance(model, SklearnModule):
        return model.count()
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
