"""`rotate`: digits turned about the image centre."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import ClassVar

from torch import Generator, Tensor

from inkfast.core.errors import check_flag
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill, linear


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Rotate(Noise):
    """Rotation about the image centre, bilinear.

    Attributes:
        degrees: Angle, counter-clockwise positive; a number v means uniform in [-v, v].
        extremes: Whether only the two ends of the range are drawn, with equal probability.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "rotate"
    strength: ClassVar[str] = "degrees"
    strengths: ClassVar[tuple[float, ...]] = (10, 20, 35, 50, 72)
    degrees: Span = 30.0
    extremes: bool = False
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("degrees", self.degrees, low=-360, high=360)
        check_flag("extremes", self.extremes)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        low, high = span(self.degrees, signed=True)
        limits = (radians(low), radians(high))
        return {"radians": uniform(n, limits, generator, extremes=self.extremes)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        cos, sin = params["radians"].cos(), params["radians"].sin()
        # y points down: seen on the screen, this inverse map turns the digit counter-clockwise.
        return affine(images, linear(cos, -sin, sin, cos), self.fill)
