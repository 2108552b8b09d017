"""`zoom`: make each digit larger or smaller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill, linear


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Zoom(Noise):
    """Scaling about the image centre with the aspect ratio kept, bilinear.

    Attributes:
        factor: How many times as large the digit appears: 0.7 shrinks it, 1 leaves it. Keras'
            zoom-out by 20 % samples 1.2 times as far apart and is `factor=1/1.2` here.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "zoom"
    strength: ClassVar[str] = "factor"
    strengths: ClassVar[tuple[float, ...]] = (0.9, 0.8, 0.7, 0.6, 0.5)
    neutral: ClassVar[float] = 1.0
    factor: Span = 0.8
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("factor", self.factor, low=0.1, high=10)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"factor": uniform(n, span(self.factor, signed=False), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        step = 1 / params["factor"]
        zero = torch.zeros_like(step)
        return affine(images, linear(step, zero, zero, step), self.fill)
