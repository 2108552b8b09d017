"""`erase`: a rectangle of the image is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_flag, check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Erase(Noise):
    """Fill one rectangle, anywhere inside the image, with one grey value or with random ones.

    Source: Zhong et al. (2017), Random Erasing Data Augmentation. Unlike there, the area is fixed
    unless a pair is given; it is rounded to whole pixels.

    Attributes:
        area: Share of the pixels of the image, in [0, 1].
        aspect: Largest ratio of the sides; drawn log-uniform between 1/aspect and aspect.
        grey: Value of the filled pixels, in [0, 1], or a pair to draw it from.
        random: Whether each pixel of the rectangle gets its own value from [0, 1] ("RE-R" in the
            source) instead of `grey`.
    """

    name: ClassVar[str] = "erase"
    strength: ClassVar[str] = "area"
    strengths: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2, 0.3)
    area: Span = 0.1
    aspect: float = 2.0
    grey: Span = 0.0
    random: bool = False

    def __post_init__(self) -> None:
        check_span("area", self.area, low=0, high=1)
        check_number("aspect", self.aspect, low=1, high=20)
        check_span("grey", self.grey, low=0, high=1)
        check_flag("random", self.random)

    def sample(self, n: int, generator: Generator) -> Params:
        area = uniform(n, span(self.area, signed=False), generator)
        ratio = self.aspect ** uniform(n, (-1, 1), generator)
        places = {key: uniform(n, (0, 1), generator) for key in ("x", "y")}
        return {"area": area, "ratio": ratio, **places, "value": self._values(n, generator)}

    def _values(self, n: int, generator: Generator) -> Tensor:
        """Return the values to fill in, ``(n, 1, 1)`` or ``(n, 28, 28)``."""
        if self.random:
            return torch.rand(n, 28, 28, generator=generator, device=generator.device)
        low, high = span(self.grey, signed=False)
        if low == high:  # nothing to draw
            return torch.full((n, 1, 1), low, device=generator.device)
        return uniform(n, (low, high), generator).view(-1, 1, 1)

    def apply(self, images: Tensor, params: Params) -> Tensor:
        _, height, width = images.shape
        pixels = params["area"] * height * width
        # the rectangle must not become wider than the image
        tall = torch.maximum((pixels * params["ratio"]).sqrt(), pixels / width)
        tall = tall.clamp(max=height).round()
        wide = (pixels / tall.clamp(min=1)).round().clamp(max=width)
        rows = _mark_run(height, tall, params["y"])[:, :, None]
        columns = _mark_run(width, wide, params["x"])[:, None, :]
        return torch.where(rows & columns, params["value"], images)


def _mark_run(size: int, length: Tensor, position: Tensor) -> Tensor:
    """Mark `length` consecutive indices out of `size`; `position` in [0, 1) chooses the first."""
    start = (position * (size - length + 1)).floor()[:, None]
    index = torch.arange(size, device=length.device)
    return (index >= start) & (index < start + length[:, None])
