"""`contrast`: grey values compressed or stretched about a pivot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Contrast(Noise):
    """Scale each pixel's distance from a pivot grey, then clip to [0, 1].

    Attributes:
        factor: Factor of the distance; 1 changes nothing, 0 gives the pivot everywhere.
        pivot: Grey value that does not change, in [0, 1].
    """

    name: ClassVar[str] = "contrast"
    strength: ClassVar[str] = "factor"
    strengths: ClassVar[tuple[float, ...]] = (0.8, 0.6, 0.4, 0.2, 0.1)
    neutral: ClassVar[float] = 1.0
    factor: Span = 0.5
    pivot: float = 0.5

    def __post_init__(self) -> None:
        check_span("factor", self.factor, low=0, high=100)
        check_number("pivot", self.pivot, low=0, high=1)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"factor": uniform(n, span(self.factor, signed=False), generator)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        return (self.pivot + (images - self.pivot) * per_image(params["factor"])).clamp_(0, 1)
