"""`stripe`: the sides of the image are inverted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Stripe(Noise):
    """Invert the outermost columns on both sides: black becomes white.

    Source: Mu and Gilmer (2019), MNIST-C, with 7 columns.

    Attributes:
        width: Number of inverted columns on each side.
    """

    name: ClassVar[str] = "stripe"
    strength: ClassVar[str] = "width"
    strengths: ClassVar[tuple[float, ...]] = (1, 3, 5, 7, 9)
    neutral: ClassVar[float] = 0  # an integer, like `width`
    width: int = 7

    def __post_init__(self) -> None:
        check_number("width", self.width, low=0, high=14, whole=True)

    def sample(self, n: int, generator: Generator) -> Params:
        return {}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        column = torch.arange(images.shape[2], device=images.device)
        outside = (column < self.width) | (column >= images.shape[2] - self.width)
        return torch.where(outside, 1 - images, images)
