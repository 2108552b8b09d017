"""`translate`: digits shifted by whole or fractional pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_flag
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Translate(Noise):
    """Shift along x and y, drawn independently, bilinear between pixels.

    Attributes:
        pixels: Shift in pixels, right and down positive; a number v means uniform in [-v, v].
        whole: Whether shifts are rounded to whole pixels, which does not blur.
        extremes: Whether only the two ends of the range are drawn, with equal probability.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "translate"
    strength: ClassVar[str] = "pixels"
    strengths: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 5.6)
    pixels: Span = 3.0
    whole: bool = False
    extremes: bool = False
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("pixels", self.pixels, low=-28, high=28)
        check_flag("whole", self.whole)
        check_flag("extremes", self.extremes)
        low, high = sorted(span(self.pixels, signed=True))
        if self.whole and ceil(low) > floor(high):
            raise InkfastError(f"`pixels` must enclose a whole number, got {[low, high]!r}.")
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        low, high = sorted(span(self.pixels, signed=True))
        if self.whole:  # every whole number from low to high is as likely
            spare = 0.0 if self.extremes else 0.5
            low, high = ceil(low) - spare, floor(high) + spare
        drawn = {
            axis: uniform(n, (low, high), generator, extremes=self.extremes) for axis in ("x", "y")
        }
        return {axis: shift.round() if self.whole else shift for axis, shift in drawn.items()}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        inverse = torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)
        inverse[:, 0, 2], inverse[:, 1, 2] = -params["x"], -params["y"]
        return affine(images, inverse, self.fill)
