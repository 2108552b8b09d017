"""`streak`: ink smeared to one side, as by a moving camera."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, radians
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Streak(Noise):
    """Average along a ray from each pixel, weighted with half a Gaussian.

    Source: ImageMagick's motion blur, by which MNIST-C blurs: the ray is followed in whole pixels,
    and outside the image the edge pixel is repeated.

    Attributes:
        sigma: Standard deviation of the half Gaussian in pixels.
        radius: Half the length of the ray in pixels.
        angle: Direction in degrees, clockwise from the right; a number means uniform between -v
            and v.
    """

    name: ClassVar[str] = "streak"
    strength: ClassVar[str] = "sigma"
    strengths: ClassVar[tuple[float, ...]] = (1, 3, 5, 8, 12)
    sigma: float = 3.0
    radius: float = 10.0
    angle: Span = 45.0

    def __post_init__(self) -> None:
        check_number("sigma", self.sigma, low=0, high=100)
        check_number("radius", self.radius, low=0, high=40)
        check_span("angle", self.angle, low=-360, high=360)

    def sample(self, n: int, generator: Generator) -> Params:
        low, high = span(self.angle, signed=True)
        return {"radians": uniform(n, (radians(low), radians(high)), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        n, height, width = images.shape
        flat = images.flatten(1)
        step = torch.arange(2 * ceil(self.radius) + 1, device=images.device)
        weight = torch.exp(-0.5 * (step / max(self.sigma, 1e-3)) ** 2)
        weight = weight / weight.sum()
        rows = torch.arange(height, device=images.device).view(1, -1, 1)
        columns = torch.arange(width, device=images.device).view(1, 1, -1)
        out = torch.zeros_like(flat)
        for length, share in enumerate(weight.tolist()):
            if share < 1e-6:
                break
            right = per_image((length * params["radians"].cos() - 0.5).ceil().long())
            down = per_image((length * params["radians"].sin() - 0.5).ceil().long())
            row = (rows + down).clamp(0, height - 1)
            column = (columns + right).clamp(0, width - 1)
            out += share * flat.gather(1, (row * width + column).view(n, -1))
        return out.view_as(images).clamp_(0, 1)
