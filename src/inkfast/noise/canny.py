"""`canny`: the outlines of the ink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from inkfast.core.errors import check_number
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.resample import pad, smooth


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Canny(Noise):
    """Blend the image with its edges, white on black.

    Source: Canny (1986), A Computational Approach to Edge Detection, as scikit-image's
    ``feature.canny`` computes it with default parameters, which MNIST-C used.

    Attributes:
        amount: Share of the edges in the blend, in [0, 1]; MNIST-C has 1.
        sigma: Standard deviation of the smoothing beforehand in pixels.
        low: Size of the gradient from which an edge continues.
        high: Size of the gradient from which an edge begins.
    """

    name: ClassVar[str] = "canny"
    strength: ClassVar[str] = "amount"
    strengths: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    amount: float = 1.0
    sigma: float = 1.0
    low: float = 0.1
    high: float = 0.2

    def __post_init__(self) -> None:
        check_number("amount", self.amount, low=0, high=1)
        check_number("sigma", self.sigma, above=0, high=6)
        check_number("low", self.low, low=0, high=10)
        check_number("high", self.high, low=self.low, high=10)

    def sample(self, n: int, generator: Generator) -> Params:
        return {}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        within = smooth(torch.ones_like(images[:1]), self.sigma, fill="constant")
        smoothed = smooth(images, self.sigma, fill="constant") / within
        down, right = _sobel(smoothed)
        height = torch.hypot(down, right)
        ridge = _is_ridge(down, right, height) & (height >= self.low)
        edges = _grown(ridge & (height >= self.high), ridge).to(images.dtype)
        return torch.lerp(images, edges, self.amount)


def _sobel(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the unnormalised gradients along columns and along rows."""
    kernel = torch.tensor([[-1.0, -2, -1], [0, 0, 0], [1, 2, 1]], device=images.device)
    both = F.conv2d(pad(images, 1, "reflect")[:, None], torch.stack([kernel, kernel.T])[:, None])
    return both[:, 0], both[:, 1]


def _is_ridge(down: Tensor, right: Tensor, height: Tensor) -> Tensor:
    """Mark pixels whose gradient is no smaller than at the two points beside them along it.

    These points lie between two of the eight neighbours. Pixels of the border lack neighbours and
    are not marked.
    """
    steep = down.abs() >= right.abs()
    major, minor = torch.where(steep, down, right), torch.where(steep, right, down)
    weight = (minor / torch.where(major == 0, torch.ones_like(major), major)).abs()
    same = down * right >= 0  # the gradient points along the main diagonal's quadrants
    marked = height > 0
    for sign in (1, -1):
        straight = torch.where(steep, _neighbour(height, sign, 0), _neighbour(height, 0, sign))
        diagonal = torch.where(
            same,
            _neighbour(height, sign, sign),
            torch.where(steep, _neighbour(height, sign, -sign), _neighbour(height, -sign, sign)),
        )
        marked &= torch.lerp(straight, diagonal, weight) <= height
    inner = F.pad(torch.ones_like(height[0, 1:-1, 1:-1], dtype=torch.bool), (1, 1, 1, 1))
    return marked & inner


def _neighbour(images: Tensor, down: int, right: int) -> Tensor:
    """Return for each pixel the neighbour at an offset; wrapped pixels are never used."""
    return images.roll((-down, -right), (1, 2))


def _grown(seeds: Tensor, allowed: Tensor) -> Tensor:
    """Return the pixels of `allowed` that are 8-connected to a seed."""
    while True:
        reached = F.max_pool2d(seeds.float()[:, None], 3, 1, 1)[:, 0].bool() & allowed
        if torch.equal(reached, seeds):
            return seeds
        seeds = reached
