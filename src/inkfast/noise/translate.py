"""`translate`: shift each digit, whole or fractional pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Translate(Noise):
    """Shift along x and y, drawn independently, bilinear between pixels.

    Attributes:
        pixels: Shift in pixels, right and down positive; a number means uniform between -v and v.
        fill: What lies outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "translate"
    strength: ClassVar[str] = "pixels"
    ladder: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 5.6)
    pixels: Span = 3.0
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("pixels", self.pixels, low=-28, high=28)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        limits = span(self.pixels, signed=True)
        return {axis: uniform(n, limits, generator) for axis in ("x", "y")}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        inverse = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
        inverse[:, 0, 2], inverse[:, 1, 2] = -params["x"], -params["y"]
        return affine(images, inverse, self.fill)
