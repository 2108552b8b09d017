"""Base classes of models, and how the weights of networks are initialised.

A module of digits takes float32 ``(n, 1, 28, 28)`` in [0, 1] and returns ``(n, 10)`` logits; one of
numbers is described in `NumberArchitecture`. Weights of networks are drawn from a generator that is
passed in, never from torch's global state. `baseline.py` has the base class of estimators.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any, ClassVar

import torch
from torch import Generator, nn

from inkfast.core.digits import SIDE
from inkfast.core.errors import InkfastError, check_choice, command_name
from inkfast.core.registry import Registry, format_spec
from inkfast.inference.number_strips import STRIP_HEIGHT

INITS = ("torch", "glorot", "he")


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """One family of models with its parameters; impossible parameters are refused."""

    name: ClassVar[str]
    source: ClassVar[str]  # authors (year), title
    recipe: ClassVar[Mapping[str, Any]]  # training defaults; an experiment may override them
    # channels, height and width of the image that a summary counts operations for
    image_shape: ClassVar[tuple[int, int, int]] = (1, SIDE, SIDE)
    # order in memory of weights and images in training
    memory_format: ClassVar[torch.memory_format] = torch.channels_last

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the module without drawn weights, or without a fitted estimator."""

    def __str__(self) -> str:
        return format_spec(self)


@dataclass(frozen=True, kw_only=True)
class Network(Architecture):
    """One family of networks that classify digits, trained by gradients.

    Attributes:
        init: Initialisation of weights: torch (its default), or glorot or he (uniform as in Keras,
            with zero bias).
    """

    init: str = "torch"

    def __post_init__(self) -> None:
        check_choice("init", self.init, INITS)


@dataclass(frozen=True, kw_only=True)
class NumberArchitecture(Architecture):
    """One family of networks that read numbers, trained by gradients with CTC.

    A module takes strips as `inkfast.inference.number_strips.normalize_strips` returns them,
    float32 ``(n, 1, 40, w)`` of any width, and returns logits ``(n, frames, characters + 1)``: one
    frame for every four columns, the characters of `inkfast.inference.numbers.ALPHABET`, and last
    the blank. Its recipe is an `inkfast.training.number_recipe.NumberRecipe`.

    Attributes:
        init: Initialisation of weights, see `Network`.
    """

    recipe: ClassVar[Mapping[str, Any]] = {}
    image_shape: ClassVar[tuple[int, int, int]] = (1, STRIP_HEIGHT, 160)  # about six digits

    init: str = "torch"

    def __post_init__(self) -> None:
        check_choice("init", self.init, INITS)


MODELS: Registry[Architecture] = Registry("model", Architecture, "inkfast.models")


def check_reads_digits(architecture: Architecture) -> None:
    """Check that a model classifies digits.

    Raises:
        InkfastError: If it reads numbers.
    """
    if isinstance(architecture, NumberArchitecture):
        name = architecture.name
        raise InkfastError(
            f"{name} reads numbers: expected a model of single digits, such as cnn. {name} is "
            f"trained with `{command_name()} train {name}`."
        )


@singledispatch
def create(architecture: Network | NumberArchitecture, generator: Generator) -> nn.Module:
    """Build the network and draw its weights from `generator`; see also `OwnNetwork`."""
    with torch.device("meta"):
        model = architecture.build()
    model = model.to_empty(device="cpu")
    for module in model.modules():
        _init_weights(module, architecture.init, generator)
    return model


def _init_weights(module: nn.Module, init: str, generator: Generator) -> None:
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
