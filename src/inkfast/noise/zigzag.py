"""`zigzag`: a zigzag line across the image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.noise.base import NOISES, Params
from inkfast.noise.strokes import DrawnNoise, stroke

# the corners in a frame whose x runs along the line: half a wave is 4 pixels, 2 pixels high
_LEFT, _RIGHT = 2.0, 25.0
_CORNERS = ((2, 2), (6, -2), (10, 2), (14, -2), (18, 2), (22, -2))


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Zigzag(DrawnNoise):
    """Add a zigzag from column 2 to column 25, nearly level.

    Source: Mu and Gilmer (2019), MNIST-C: the left end in any row but the last, the right end 5
    rows higher to 4 rows lower.
    """

    name: ClassVar[str] = "zigzag"

    def sample(self, n: int, generator: Generator) -> Params:
        device = generator.device
        row = torch.randint(0, 27, (n,), generator=generator, device=device)
        return {
            "row": row,
            "fall": torch.randint(-5, 5, (n,), generator=generator, device=device),
        }

    def apply(self, images: Tensor, params: Params) -> Tensor:
        corners = _corners(params["row"].to(images.dtype), params["fall"].to(images.dtype))
        pieces = [stroke(start, end) for start, end in pairwise(corners)]
        line = torch.stack(pieces).sum(0).clamp_(max=1)
        return (images + self.opacity * line).clamp_(0, 1)


def _corners(row: Tensor, fall: Tensor) -> list[Tensor]:
    """Return ``(n, 2)`` positions (x, y) in pixels of both ends and the corners between them."""
    length = torch.hypot(torch.full_like(fall, _RIGHT - _LEFT), fall)
    cos, sin = (_RIGHT - _LEFT) / length, fall / length
    along = [torch.zeros_like(row), *(torch.full_like(row, x) for x, _ in _CORNERS), length]
    # the source ends the last, cut-off wave at this height
    across = [torch.full_like(row, y) for y in (0, *(y for _, y in _CORNERS))]
    return [
        torch.stack([x * cos - y * sin + _LEFT, x * sin + y * cos + row], 1)
        for x, y in zip(along, [*across, -1 / (length - 20)], strict=True)
    ]
