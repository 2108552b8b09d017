"""`inception`: modules of four parallel branches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import check_sizes, conv_norm_relu


class Branches(nn.Module):
    """1x1, 1x1-3x3, 1x1-3x3-3x3 and pooling-1x1 branches, a quarter of the channels each."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        quarter = outputs // 4
        self.branches = nn.ModuleList([
            conv_norm_relu(inputs, outputs - 3 * quarter, 1),
            nn.Sequential(conv_norm_relu(inputs, quarter, 1), conv_norm_relu(quarter, quarter)),
            nn.Sequential(
                conv_norm_relu(inputs, quarter, 1), conv_norm_relu(quarter, quarter),
                conv_norm_relu(quarter, quarter),
            ),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_norm_relu(inputs, quarter, 1)),
        ])  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        """Return the channels of all branches."""
        return torch.cat([branch(images) for branch in self.branches], dim=1)


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Inception(Network):
    """An Inception network sized for 28x28.

    Source: Szegedy et al. (2014), Going Deeper with Convolutions, figure 2b; the 5x5 branch is two
    3x3 as in Szegedy et al. (2015), and batch normalisation replaces auxiliary outputs.

    Attributes:
        widths: Channels of each module, at least 4; modules after the first halve the image.
    """

    name: ClassVar[str] = "inception"
    source: ClassVar[str] = "Szegedy et al. (2014), Going Deeper with Convolutions"
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 8, "batch_size": 125, "learning_rate": 0.01}
    widths: tuple[int, ...] = (64, 96, 128)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("widths", self.widths, longest=4, low=4)  # a channel for each branch

    def build(self) -> nn.Module:
        layers: list[nn.Module] = [conv_norm_relu(1, 32, 5, 2)]
        inputs = 32
        for module, width in enumerate(self.widths):
            layers += [nn.MaxPool2d(2, ceil_mode=True)] if module else []
            layers.append(Branches(inputs, width))
            inputs = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
        return nn.Sequential(*layers)
