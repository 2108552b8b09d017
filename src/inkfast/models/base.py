"""Base classes of models, and how the weights of networks are initialised.

A module takes float32 ``(n, 1, 28, 28)`` in [0, 1] and returns ``(n, 10)`` logits. A network's
weights are drawn from a generator that is passed in, never from torch's global state. `baseline.py`
has the base class of estimators.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, nn

from inkfast.core.errors import check_choice
from inkfast.core.registry import Registry, format_spec

INITS = ("torch", "glorot", "he")


@dataclass(frozen=True, kw_only=True)
class Architecture(ABC):
    """One family of models with its parameters; impossible parameters are refused."""

    name: ClassVar[str]
    source: ClassVar[str]  # authors (year), title
    recipe: ClassVar[Mapping[str, Any]]  # training defaults; an experiment may override them

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the module without drawn weights, or without a fitted estimator."""

    def __str__(self) -> str:
        return format_spec(self)


@dataclass(frozen=True, kw_only=True)
class Network(Architecture):
    """One network family, trained by gradients.

    Attributes:
        init: Initialisation of weights: torch (its default), or glorot or he (uniform as in Keras,
            with zero bias).
    """

    init: str = "torch"

    def __post_init__(self) -> None:
        check_choice("init", self.init, INITS)


MODELS: Registry[Architecture] = Registry("model", Architecture, "inkfast.models")


def create(architecture: Network, generator: Generator) -> nn.Module:
    """Build the network and draw its weights from `generator`."""
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
