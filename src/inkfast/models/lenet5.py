"""`lenet5`: the convolutional network of the MNIST paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from inkfast.models.base import MODELS, Network


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Lenet5(Network):
    """LeNet-5 with tanh and average pooling.

    Source: LeCun, Bottou, Bengio and Haffner (1998), Gradient-Based Learning Applied to Document
    Recognition, section II.B. It differs in three ways that later work made standard: each C3 map
    sees all six S2 maps, pooling has no weights, and the output is ten logits instead of distances
    to drawn characters.
    """

    name: ClassVar[str] = "lenet5"
    source: ClassVar[str] = (
        "LeCun, Bottou, Bengio and Haffner (1998), "
        "Gradient-Based Learning Applied to Document Recognition"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 12, "batch_size": 125, "learning_rate": 5e-3}

    def build(self) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 120), nn.Tanh(),
            nn.Linear(120, 84), nn.Tanh(),
            nn.Linear(84, 10),
        )  # fmt: skip
