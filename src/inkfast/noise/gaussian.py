"""`gaussian`: additive white Gaussian noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Gaussian(Noise):
    """Add an independent normal number to each pixel, then clip to [0, 1].

    Attributes:
        sigma: Standard deviation before clipping, on the [0, 1] scale.
    """

    name: ClassVar[str] = "gaussian"
    strength: ClassVar[str] = "sigma"
    strengths: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.45, 0.6)
    sigma: Span = 0.2

    def __post_init__(self) -> None:
        check_span("sigma", self.sigma, low=0, high=100)

    def sample(self, n: int, generator: Generator) -> Params:
        sigma = uniform(n, span(self.sigma, signed=False), generator)
        normal = torch.randn(n, 28, 28, generator=generator, device=generator.device)
        return {"added": normal.mul_(per_image(sigma))}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        return (images + params["added"]).clamp_(0, 1)
