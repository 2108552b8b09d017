"""`shot`: photon noise of a sensor in low light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Shot(Noise):
    """Replace each pixel x by Poisson(photons * x) / photons, then clip to [0, 1].

    One uniform number per pixel is drawn and mapped through the quantile function of the Poisson
    distribution, so that the drawn numbers do not depend on the image.

    Attributes:
        photons: Mean count of a white pixel; fewer photons are noisier.
    """

    name: ClassVar[str] = "shot"
    strength: ClassVar[str] = "photons"
    strengths: ClassVar[tuple[float, ...]] = (60, 25, 12, 5, 3)
    neutral: ClassVar[float] = 1e9
    neutral_tolerance: ClassVar[float] = 1e-3  # photons are whole: neutral is only approached
    photons: float = 5.0

    def __post_init__(self) -> None:
        check_number("photons", self.photons, above=0)

    def sample(self, n: int, generator: Generator) -> Params:
        return {"u": torch.rand(n, 28, 28, generator=generator, device=generator.device)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        lit = images > 0
        rate = images[lit].double() * self.photons
        counts = _poisson_quantile(params["u"][lit].double(), rate)
        out = torch.zeros_like(images)
        out[lit] = (counts / self.photons).clamp_(0, 1).to(images.dtype)
        return out


def _poisson_quantile(u: Tensor, rate: Tensor) -> Tensor:
    """Return the smallest k with P(Poisson(rate) <= k) >= u; normal above a rate of 500."""
    normal = rate + rate.sqrt() * torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12))
    large = rate > 500
    term = torch.where(large, torch.ones_like(rate), (-rate).exp())
    total, k = term.clone(), torch.zeros_like(rate)
    count = 0
    while bool((open_ := total < u).any()) and count < 1000:
        count += 1
        term = term * rate / count
        k += open_
        total += term
    return torch.where(large, normal.round().clamp_(min=0), k)
