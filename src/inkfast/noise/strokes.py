"""Pen strokes over a picture, for the corruptions that draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import Noise

_REACH = 2.3  # rows from the stroke's middle at which its brightness has long been 0


@dataclass(frozen=True, kw_only=True)
class Drawn(Noise):
    """A line over the picture.

    Attributes:
        opacity: Brightness of the line's middle, in [0, 1]; MNIST-C has 1.
    """

    strength: ClassVar[str] = "opacity"
    strengths: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    opacity: float = 1.0

    def __post_init__(self) -> None:
        check_number("opacity", self.opacity, low=0, high=1)


def stroke(start: Tensor, end: Tensor) -> Tensor:
    """Draw one soft stroke in each picture, from left to right.

    Brightness is 1 + ln(1 - d / 2.3) for d rows from the line, at least 0, in the columns from
    floor(x of start) up to, and without, ceil(x of end). Source: Mu and Gilmer (2019), MNIST-C.

    Args:
        start: ``(n, 2)`` of (x, y) in pixels.
        end: ``(n, 2)`` likewise; where its x is that of start, nothing is drawn.

    Returns:
        float32 ``(n, 28, 28)`` in [0, 1].
    """
    place = torch.arange(28, device=start.device, dtype=start.dtype)
    (x0, y0), (x1, y1) = start.T[..., None], end.T[..., None]
    run = x1 - x0
    slope = (y1 - y0) / torch.where(run == 0, torch.ones_like(run), run)
    line = slope * (place - x0) + y0
    distance = (place[None, :, None] - line[:, None, :]).abs().clamp(max=_REACH - 1e-6)
    ink = (torch.log1p(-distance / _REACH) + 1).clamp_(0, 1)
    inside = (place >= x0.floor()) & (place < x1.ceil()) & (run != 0)
    drawn: Tensor = ink * inside[:, None, :]
    return drawn
