"""Strokes drawn over an image, and the base class of the corruptions that draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import Noise

_REACH = 2.3  # rows from the middle of a stroke beyond which its brightness is 0


@dataclass(frozen=True, kw_only=True)
class DrawnNoise(Noise):
    """A line drawn over the image.

    Attributes:
        opacity: Brightness in the middle of the line, in [0, 1]; MNIST-C has 1.
    """

    strength: ClassVar[str] = "opacity"
    strengths: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    opacity: float = 1.0

    def __post_init__(self) -> None:
        check_number("opacity", self.opacity, low=0, high=1)


def stroke(start: Tensor, end: Tensor) -> Tensor:
    """Draw one soft stroke in each image, from left to right.

    Brightness at a distance of d rows is 1 + ln(1 - d / 2.3), at least 0. The stroke covers the
    columns from floor(x of start) to ceil(x of end), exclusive. Source: Mu and Gilmer (2019),
    MNIST-C.

    Args:
        start: Start points (x, y) in pixels, ``(n, 2)``.
        end: End points, ``(n, 2)``; nothing is drawn where x is that of the start.

    Returns:
        float32 ``(n, 28, 28)`` in [0, 1].
    """
    column = torch.arange(28, device=start.device, dtype=start.dtype)
    (x0, y0), (x1, y1) = start.T[..., None], end.T[..., None]
    run = x1 - x0
    slope = (y1 - y0) / torch.where(run == 0, torch.ones_like(run), run)
    line = slope * (column - x0) + y0
    distance = (column[None, :, None] - line[:, None, :]).abs().clamp(max=_REACH - 1e-6)
    ink = (torch.log1p(-distance / _REACH) + 1).clamp_(0, 1)
    inside = (column >= x0.floor()) & (column < x1.ceil()) & (run != 0)
    drawn: Tensor = ink * inside[:, None, :]
    return drawn
