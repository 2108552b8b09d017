"""`shear`: slanted digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_flag, check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill, linear


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Shear(Noise):
    """Horizontal shear about the image centre, bilinear.

    Attributes:
        slope: Pixels that a row moves to the right per row that it lies above the centre;
            a number v means uniform in [-v, v].
        extremes: Whether only the two ends of the range are drawn, with equal probability.
        stretch: Factor of the height of the digit.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "shear"
    strength: ClassVar[str] = "slope"
    strengths: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    slope: Span = 0.4
    extremes: bool = False
    stretch: float = 1.0
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("slope", self.slope, low=-5, high=5)
        check_flag("extremes", self.extremes)
        check_number("stretch", self.stretch, low=0.1, high=10)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        limits = span(self.slope, signed=True)
        return {"slope": uniform(n, limits, generator, extremes=self.extremes)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        slope = params["slope"]
        one, zero = torch.ones_like(slope), torch.zeros_like(slope)
        return affine(images, linear(one, slope, zero, one / self.stretch), self.fill)
