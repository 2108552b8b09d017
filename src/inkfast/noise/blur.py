"""`blur`: an image out of focus."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform
from inkfast.noise.resample import check_fill, convolve


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Blur(Noise):
    """Gaussian blur, the kernel cut off at four sigma.

    Attributes:
        sigma: Standard deviation of the kernel in pixels.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "blur"
    strength: ClassVar[str] = "sigma"
    strengths: ClassVar[tuple[float, ...]] = (0.5, 1.0, 1.5, 2.0, 3.0)
    sigma: Span = 1.0
    fill: str = "reflect"

    def __post_init__(self) -> None:
        check_span("sigma", self.sigma, low=0, high=7)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"sigma": uniform(n, span(self.sigma, signed=False), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        sigma = per_image(params["sigma"])
        radius = ceil(4 * span(self.sigma, signed=False)[1])
        offset = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
        kernel = torch.exp(-0.5 * (offset / sigma.clamp(min=1e-3)) ** 2)[:, 0]
        kernel = kernel / kernel.sum(dim=1, keepdim=True)
        return convolve(images, kernel[:, :, None] * kernel[:, None, :], self.fill).clamp_(0, 1)
