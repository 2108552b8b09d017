"""`dotted-line`: a dotted line across the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.strokes import stroke


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class DottedLine(Noise):
    """Add a straight dotted line from the left edge to the right edge.

    Source: Mu and Gilmer (2019), MNIST-C: both ends in any row but the last, dots two columns wide.

    Attributes:
        opacity: Brightness of the line's middle, in [0, 1]; MNIST-C has 1.
    """

    name: ClassVar[str] = "dotted-line"
    strength: ClassVar[str] = "opacity"
    ladder: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    opacity: float = 1.0

    def __post_init__(self) -> None:
        check_number("opacity", self.opacity, low=0, high=1)

    def sample(self, n: int, generator: Generator) -> Params:
        device = generator.device
        return {"rows": torch.randint(0, 27, (n, 2), generator=generator, device=device)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        rows = params["rows"].to(images.dtype)
        left, right = (torch.full_like(rows[:, :1], x) for x in (0, 27))
        line = stroke(torch.cat([left, rows[:, :1]], 1), torch.cat([right, rows[:, 1:]], 1))
        column = torch.arange(images.shape[2], device=images.device)
        dots = column % 4 >= 2
        return (images + self.opacity * line * dots).clamp_(0, 1)
