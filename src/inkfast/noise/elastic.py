"""`elastic`: smooth random distortion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params, Span, check_span, span, uniform
from inkfast.noise.resample import affine, check_fill


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Elastic(Noise):
    """Move pixels by a smooth random field.

    Source: Simard, Steinkraus and Platt (2003), Best Practices for Convolutional Neural Networks.
    Their alpha depends on the smoothing; here the strength is the expected root mean square
    displacement in pixels.

    Attributes:
        pixels: Root mean square displacement along each axis, in pixels.
        smoothness: Standard deviation in pixels of the Gaussian that smooths the field.
        fill: Pixels outside the image: constant (black), nearest or reflect.
    """

    name: ClassVar[str] = "elastic"
    strength: ClassVar[str] = "pixels"
    strengths: ClassVar[tuple[float, ...]] = (0.5, 1.0, 1.5, 2.0, 3.0)
    pixels: Span = 1.0
    smoothness: float = 4.0
    fill: str = "constant"

    def __post_init__(self) -> None:
        check_span("pixels", self.pixels, low=0, high=28)
        check_number("smoothness", self.smoothness, low=0.5, high=14)
        check_fill(self.fill)

    def sample(self, n: int, generator: Generator) -> Params:
        fields = smooth_fields(n, self.smoothness, generator)
        pixels = uniform(n, span(self.pixels, signed=False), generator)
        return {"offsets": fields * pixels.view(-1, 1, 1, 1)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        unmoved = torch.eye(2, 3, device=images.device).expand(len(images), 2, 3)
        return affine(images, unmoved, self.fill, params["offsets"])


def smooth_fields(n: int, smoothness: float, generator: Generator) -> Tensor:
    """Return random fields ``(n, 2, 28, 28)`` of root mean square 1, white noise smoothed."""
    device = generator.device
    smooth = _smoother(28, smoothness).to(device)
    white = torch.randn(n, 2, 28, 28, generator=generator, device=device)
    return smooth @ white @ smooth.T


def _smoother(size: int, sigma: float) -> Tensor:
    """Return Gaussian smoothing along one axis as a matrix ``(size, size)`` with rows of norm 1.

    Rows of norm 1 keep the variance of white noise, which makes the field's root mean square 1.
    """
    position = torch.arange(size, dtype=torch.float32)
    rows = torch.exp(-0.5 * ((position[:, None] - position[None]) / sigma) ** 2)
    return rows / rows.square().sum(dim=1, keepdim=True).sqrt()
