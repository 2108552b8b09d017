"""`densenet`: every layer sees all that came before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from inkfast.core.errors import check_number
from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import check_sizes, conv_norm_relu


class DenseLayer(nn.Module):
    """Batch norm, ReLU and a 3x3 convolution whose channels are added to the input's."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, growth, 3, padding=1, bias=False)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the input with the new channels behind it."""
        return torch.cat([images, self.body(images)], dim=1)


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Densenet(Network):
    """A densely connected network sized for 28x28, without bottlenecks.

    Source: Huang, Liu, van der Maaten and Weinberger (2016), Densely Connected Convolutional
    Networks, section 3; transitions halve channels and size.

    Attributes:
        layers: Dense layers in each block.
        growth: Channels that each adds.
    """

    name: ClassVar[str] = "densenet"
    source: ClassVar[str] = (
        "Huang, Liu, van der Maaten and Weinberger (2016), Densely Connected Convolutional Networks"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 8, "batch_size": 125, "learning_rate": 0.01}
    layers: tuple[int, ...] = (4, 4, 4)
    growth: int = 16

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("layers", self.layers, longest=4, high=50)
        check_number("growth", self.growth, low=1, high=256, whole=True)

    def build(self) -> nn.Module:
        channels = 2 * self.growth
        network: list[nn.Module] = [conv_norm_relu(1, channels, 5, 2)]
        for block, count in enumerate(self.layers):
            if block:
                network += [conv_norm_relu(channels, channels // 2, 1), nn.AvgPool2d(2)]
                channels //= 2
            for _ in range(count):
                network.append(DenseLayer(channels, self.growth))
                channels += self.growth
        network += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*network, nn.Linear(channels, 10))
