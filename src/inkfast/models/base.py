"""What an architecture is: a frozen dataclass that builds a network, and how its weights begin.

A network takes float32 ``(n, 1, 28, 28)`` in [0, 1] and returns ``(n, 10)`` logits. Its weights
are drawn from an explicit generator, never from torch's global state.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, nn

from inkfast.errors import check_choice
from inkfast.words import Registry, format_call

INITS = ("torch", "glorot", "he")


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """One network family with its parameters; refuses those from which nothing can be built."""

    name: ClassVar[str]
    recipe: ClassVar[Mapping[str, Any]]  # training defaults that suit it; a recipe may override

    # How weights begin: torch's own default, or Keras' "glorot" or "he" uniform with zero bias.
    init: str = "torch"

    def __post_init__(self) -> None:
        check_choice("init", self.init, INITS)

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the network, its weights not yet drawn."""

    def __str__(self) -> str:
        return format_call(self)


MODELS: Registry[Architecture] = Registry("model")


def create(architecture: Architecture, generator: Generator) -> nn.Module:
    """Build the network and draw its weights from `generator`."""
    with torch.device("meta"):
        model = architecture.build()
    model = model.to_empty(device="cpu")
    for module in model.modules():
        _draw(module, architecture.init, generator)
    return model


def _draw(module: nn.Module, init: str, generator: Generator) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d):
        if init == "glorot":
            nn.init.xavier_uniform_(module.weight, generator=generator)
        elif init == "he":
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu", generator=generator)
        else:
            nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
        if module.bias is not None:
            fan_in = module.weight[0].numel()
            limit = 1 / math.sqrt(fan_in) if init == "torch" else 0.0
            nn.init.uniform_(module.bias, -limit, limit, generator=generator)
    elif isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.reset_parameters()


@dataclass(frozen=True)
class Layer:
    """One row of a summary: what it is, the shape it gives for one image, its parameters."""

    name: str
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What an architecture costs.

    Attributes:
        layers: From input to output.
        parameters: Trained numbers in all.
        flops: Floating-point operations of one forward pass of one image; a multiply-add is two,
            as torch.utils.flop_counter counts matrix products and convolutions.
    """

    layers: tuple[Layer, ...]
    parameters: int
    flops: int


def summarise(architecture: Architecture) -> Summary:
    """Count an architecture's layers, parameters and operations without running it."""
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
        model(torch.zeros(1, 1, 28, 28))
    return Summary(tuple(rows), count_parameters(model), int(counter.get_total_flops()))


def count_parameters(model: nn.Module) -> int:
    """Return how many numbers training sets."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
