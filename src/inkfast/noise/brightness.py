"""`brightness`: lighter or darker images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Brightness(Noise):
    """Add one number to all pixels of an image, then clip to [0, 1].

    Attributes:
        delta: Number that is added; a number v means uniform in [-v, v].
    """

    name: ClassVar[str] = "brightness"
    strength: ClassVar[str] = "delta"
    strengths: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.4, 0.5)
    delta: Span = 0.2

    def __post_init__(self) -> None:
        check_span("delta", self.delta, low=-1, high=1)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"delta": uniform(n, span(self.delta, signed=True), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        return (images + per_image(params["delta"])).clamp_(0, 1)
