"""`spatter`: drops of mud on the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.resample import smooth

_GREY = 63 / 255


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Spatter(Noise):
    """Cover the image with dark grey where a smooth random field is high.

    Source: Hendrycks and Dietterich (2019), Benchmarking Neural Network Robustness, the mud of
    their spatter, as in MNIST-C for grey images.

    Attributes:
        level: Mean of the random field; a higher mean gives more mud.
        spread: Standard deviation of the field before smoothing.
        sigma: Standard deviation of the smoothing in pixels; more smoothing gives larger drops.
        threshold: Value of the field above which there is mud.
        edge: Standard deviation in pixels of the blur of the drops; values below 0.8 are clean
            again, so that small drops vanish.
    """

    name: ClassVar[str] = "spatter"
    strength: ClassVar[str] = "level"
    strengths: ClassVar[tuple[float, ...]] = (0.6, 0.65, 0.7, 0.75, 0.8)
    level: float = 0.65
    spread: float = 0.3
    sigma: float = 1.0
    threshold: float = 0.65
    edge: float = 1.5

    def __post_init__(self) -> None:
        check_number("level", self.level, low=0, high=10)
        check_number("spread", self.spread, low=0, high=10)
        check_number("sigma", self.sigma, low=0, high=6)
        check_number("threshold", self.threshold, low=0, high=10)
        check_number("edge", self.edge, low=0, high=6)

    def sample(self, n: int, generator: Generator) -> Params:
        field = torch.randn(n, 28, 28, generator=generator, device=generator.device)
        return {"field": field}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        field = smooth(self.level + self.spread * params["field"], self.sigma)
        mud = smooth((field > self.threshold).to(images.dtype), self.edge)
        mud = torch.where(mud < 0.8, torch.zeros_like(mud), mud)
        return (images * (1 - mud) + _GREY * mud).clamp_(0, 1)
