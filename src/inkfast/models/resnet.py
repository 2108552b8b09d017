"""`resnet`: residual blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from inkfast.core.errors import check_number
from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import Residual, check_sizes, conv_norm_relu


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Resnet(Network):
    """A residual network sized for 28x28.

    Source: He, Zhang, Ren and Sun (2015), Deep Residual Learning for Image Recognition, section
    4.2 (the CIFAR networks). Here the stem has stride 2, so the stages see 14x14, 7x7, 4x4.

    Attributes:
        widths: Channels of each stage; every stage but the first halves the image.
        blocks: Residual blocks in each stage.
    """

    name: ClassVar[str] = "resnet"
    source: ClassVar[str] = (
        "He, Zhang, Ren and Sun (2015), Deep Residual Learning for Image Recognition"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 10, "batch_size": 125, "learning_rate": 0.01}
    widths: tuple[int, ...] = (32, 64, 96)
    blocks: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("widths", self.widths, longest=4)
        check_number("blocks", self.blocks, low=1, high=50, whole=True)

    def build(self) -> nn.Module:
        layers: list[nn.Module] = [conv_norm_relu(1, self.widths[0], 5, 2)]
        inputs = self.widths[0]
        for stage, width in enumerate(self.widths):
            for block in range(self.blocks):
                stride = 2 if stage and not block else 1
                layers.append(Residual(inputs, width, stride))
                inputs = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)]
        return nn.Sequential(*layers)
