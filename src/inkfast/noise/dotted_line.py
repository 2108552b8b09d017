"""`dotted-line`: a dotted line across the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Params
from inkfast.noise.strokes import DrawnNoise, stroke


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class DottedLine(DrawnNoise):
    """Add a straight dotted line from the left edge to the right edge.

    Source: Mu and Gilmer (2019), MNIST-C: both ends lie in any row except the last, and dots
    are two columns wide.
    """

    name: ClassVar[str] = "dotted-line"

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
