"""`motion-blur`: a moving camera."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, radians
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform
from inkfast.noise.resample import check_fill, convolve


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class MotionBlur(Noise):
    """Average along a straight line through each pixel.

    The line is anti-aliased as in MATLAB's ``fspecial('motion', length, angle)``: a kernel pixel
    has the weight 1 minus its distance to the line, at least 0. Unlike there, the distance is also
    exact at the ends of the line.

    Attributes:
        length: Length of the line in pixels; 1 or less changes nothing.
        angle: Direction in degrees, counter-clockwise from the horizontal; a number means uniform
            between -v and v.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "motion-blur"
    strength: ClassVar[str] = "length"
    strengths: ClassVar[tuple[float, ...]] = (3, 5, 7, 10, 14)
    length: float = 5.0
    angle: Span = 45.0
    fill: str = "nearest"

    def __post_init__(self) -> None:
        check_number("length", self.length, low=0, high=27)
        check_span("angle", self.angle, low=-360, high=360)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        low, high = span(self.angle, signed=True)
        return {"radians": uniform(n, (radians(low), radians(high)), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        half = max(0.0, (self.length - 1) / 2)
        radius = ceil(half) if self.length > 0 else 0
        offset = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
        y, x = torch.meshgrid(-offset, offset, indexing="ij")  # y up, for counter-clockwise angles
        cos, sin = per_image(params["radians"].cos()), per_image(params["radians"].sin())
        beyond = ((x * cos + y * sin).abs() - half).clamp(min=0)
        aside = y * cos - x * sin
        kernel = (1 - torch.hypot(beyond, aside)).clamp(min=0)
        kernel = kernel / kernel.sum(dim=(1, 2), keepdim=True)
        return convolve(images, kernel, self.fill).clamp_(0, 1)
