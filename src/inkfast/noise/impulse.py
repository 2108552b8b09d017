"""`impulse`: salt and pepper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, per_image, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Impulse(Noise):
    """Turn a share of the pixels white or black, with equal probability.

    Attributes:
        amount: Share of the pixels, in [0, 1].
    """

    name: ClassVar[str] = "impulse"
    strength: ClassVar[str] = "amount"
    strengths: ClassVar[tuple[float, ...]] = (0.03, 0.06, 0.09, 0.17, 0.27)
    amount: Span = 0.1

    def __post_init__(self) -> None:
        check_span("amount", self.amount, low=0, high=1)

    def sample(self, n: int, generator: Generator) -> Params:
        amount = uniform(n, span(self.amount, signed=False), generator)
        u = torch.rand(n, 28, 28, generator=generator, device=generator.device)
        return {"amount": amount, "u": u}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        amount, u = per_image(params["amount"]), params["u"]
        salted = torch.where(u < amount, torch.ones_like(images), images)
        return torch.where(u < amount / 2, torch.zeros_like(images), salted)
