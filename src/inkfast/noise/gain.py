"""`gain`: multiplicative brightness, as in PIL and ImageDataGenerator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Gain(Noise):
    """Multiply all pixels of an image by one number, then clip to [0, 1].

    Attributes:
        factor: Factor of the pixels; below 1 ink fades, above 1 it saturates.
    """

    name: ClassVar[str] = "gain"
    strength: ClassVar[str] = "factor"
    strengths: ClassVar[tuple[float, ...]] = (0.8, 0.6, 0.4, 0.25, 0.1)
    neutral: ClassVar[float] = 1.0
    factor: Span = 0.5

    def __post_init__(self) -> None:
        check_span("factor", self.factor, low=0, high=100)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"factor": uniform(n, span(self.factor, signed=False), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        return (images * per_image(params["factor"])).clamp_(0, 1)
