"""`vgg`: stacks of 3x3 convolutions, each followed by pooling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from inkfast.core.errors import check_number
from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import check_sizes, conv_norm_relu


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Vgg(Network):
    """A VGG network sized for 28x28, with batch normalisation.

    Source: Simonyan and Zisserman (2014), Very Deep Convolutional Networks, table 1; one dense
    layer instead of two of 4096.

    Attributes:
        widths: Channels of each stack of two convolutions; each ends with 2x2 max pooling.
        dense: Units of the dense layer.
        dropout: Dropout rate of the dense layer.
    """

    name: ClassVar[str] = "vgg"
    source: ClassVar[str] = (
        "Simonyan and Zisserman (2014), "
        "Very Deep Convolutional Networks for Large-Scale Image Recognition"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 6, "batch_size": 125, "learning_rate": 5e-3}
    widths: tuple[int, ...] = (16, 32, 64)
    dense: int = 128
    dropout: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("widths", self.widths, longest=4)
        check_number("dense", self.dense, low=1, high=10_000, whole=True)
        check_number("dropout", self.dropout, low=0, high=0.99)

    def build(self) -> nn.Module:
        layers: list[nn.Module] = []
        inputs = 1
        for width in self.widths:
            layers += [conv_norm_relu(inputs, width), conv_norm_relu(width, width), nn.MaxPool2d(2)]
            inputs = width
        side = 28 // 2 ** len(self.widths)
        layers += [
            nn.Flatten(), nn.Linear(inputs * side * side, self.dense), nn.ReLU(),
            nn.Dropout(self.dropout), nn.Linear(self.dense, 10),
        ]  # fmt: skip
        return nn.Sequential(*layers)
