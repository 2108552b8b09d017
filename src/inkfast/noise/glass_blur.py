"""`glass-blur`: an image seen through frosted glass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_choice, check_number
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.resample import smooth


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class GlassBlur(Noise):
    """Blur, swap neighbouring pixels at random, blur again.

    Source: Hendrycks and Dietterich (2019), Benchmarking Neural Network Robustness; as in
    MNIST-C, each pixel is moved with probability 1/2. The published files of MNIST-C were blurred
    along columns only, which is `blur='vertical'`. Nothing is rounded to 8 bits in between.

    Attributes:
        sigma: Standard deviation of both Gaussian blurs in pixels, cut off at four sigma.
        delta: Range of moves along each axis: -delta to delta - 1 pixels.
        iterations: Number of visits of each pixel, from the last row and column to the first.
        blur: both axes, or vertical.
    """

    name: ClassVar[str] = "glass-blur"
    strength: ClassVar[str] = "sigma"
    strengths: ClassVar[tuple[float, ...]] = (0.7, 0.9, 1.1, 1.5, 2.0)
    sigma: float = 0.7
    delta: int = 1
    iterations: int = 2
    blur: str = "both"

    def __post_init__(self) -> None:
        check_number("sigma", self.sigma, low=0, high=6)
        check_number("delta", self.delta, low=0, high=13, whole=True)
        check_number("iterations", self.iterations, low=0, high=20, whole=True)
        check_choice("blur", self.blur, ("both", "vertical"))

    def at(self, strength: float) -> Self:
        """Return this corruption at one strength; without blur no pixel is moved."""
        return replace(self, sigma=strength, delta=self.delta if strength else 0)

    def sample(self, n: int, generator: Generator) -> Params:
        visits, device = self.iterations * len(self._visited()), generator.device
        moves = torch.zeros(n, visits, dtype=torch.int64, device=device)
        if self.delta:
            limits = (-self.delta, self.delta, (2, n, visits))
            down, right = torch.randint(*limits, generator=generator, device=device)
            taken = torch.rand(n, visits, generator=generator, device=device) < 0.5
            moves = (down * 28 + right) * taken
        return {"moves": moves.to(torch.int16)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        vertical = self.blur == "vertical"
        # one row per pixel, one column per image: a visit swaps a whole row
        pixels = smooth(images, self.sigma, vertical=vertical).flatten(1).T.contiguous()
        moves = params["moves"].T.long()
        visited = self._visited() * self.iterations if self.delta else []
        for visit, position in enumerate(visited):
            there = (moves[visit] + position)[None]
            here = pixels[position].clone()
            pixels[position] = pixels.gather(0, there)[0]
            pixels.scatter_(0, there, here[None])
        moved = pixels.T.reshape(images.shape)
        return smooth(moved, self.sigma, vertical=vertical).clamp_(0, 1)

    def _visited(self) -> list[int]:
        """Return the pixels in the order of their visits, as positions in a flat image."""
        line = range(28 - max(self.delta, 1), self.delta, -1)
        return [row * 28 + column for row in line for column in line]
