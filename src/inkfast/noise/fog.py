"""`fog`: bright clouds of all sizes over the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.noise.base import NOISES, Noise, Params, per_image

_BLOCK = 50  # maps at a time: 13 MB of 256 x 256


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Fog(Noise):
    """Add a plasma fractal, then scale so that the brightest pixel does not become brighter.

    Source: Hendrycks and Dietterich (2019), Benchmarking Neural Network Robustness, as MNIST-C has
    it: the corner of a larger map that is scaled to [0, 1] as a whole.

    Attributes:
        amount: Brightness of the thickest fog, in units of full white.
        decay: Roughness falls to 1 / decay^2 from one scale to the next finer one; a larger decay
            is smoother.
        size: Side of the map in pixels, a power of two from 32 to 256. A smaller map is faster,
            and the image shows more of its range.
    """

    name: ClassVar[str] = "fog"
    strength: ClassVar[str] = "amount"
    strengths: ClassVar[tuple[float, ...]] = (0.5, 1, 1.5, 2, 3)
    amount: float = 3.0
    decay: float = 1.4
    size: int = 256

    def __post_init__(self) -> None:
        check_number("amount", self.amount, low=0, high=100)
        check_number("decay", self.decay, low=1, high=10)
        if self.size not in (32, 64, 128, 256) or not isinstance(self.size, int):
            raise InkfastError(f"`size` must be 32, 64, 128 or 256, got {short_repr(self.size)}.")

    def sample(self, n: int, generator: Generator) -> Params:
        counts = [min(_BLOCK, n - start) for start in range(0, n, _BLOCK)]
        maps = [_plasma(count, self.size, self.decay, generator) for count in counts]
        return {"fog": torch.cat(maps) if maps else torch.zeros(0, 28, 28, device=generator.device)}

    def apply(self, images: Tensor, params: Params) -> Tensor:
        brightest = per_image(images.flatten(1).amax(1))
        foggy = images + self.amount * params["fog"]
        return (foggy * brightest / (brightest + self.amount).clamp(min=1e-6)).clamp_(0, 1)


def _plasma(n: int, size: int, decay: float, generator: Generator) -> Tensor:
    """Return the corners ``(n, 28, 28)`` of maps by midpoint displacement, scaled to [0, 1].

    Source: Fournier, Fussell and Carpenter (1982), Computer Rendering of Stochastic Models. The
    maps close upon themselves, so that every midpoint has four neighbours.
    """
    heights = torch.zeros(n, size, size, device=generator.device)
    step, reach = size, 1.0
    while step >= 2:
        half = step // 2
        corners = heights[:, ::step, ::step]
        down = corners + corners.roll(-1, 1)
        squares = (down + down.roll(-1, 2)) / 4 + _uniform_field(down, reach, generator)
        heights[:, half::step, half::step] = squares
        # edge midpoints: two corners and the two middles beside them
        rows = (corners + corners.roll(-1, 2) + squares + squares.roll(1, 1)) / 4
        columns = (corners + corners.roll(-1, 1) + squares + squares.roll(1, 2)) / 4
        heights[:, ::step, half::step] = rows + _uniform_field(rows, reach, generator)
        heights[:, half::step, ::step] = columns + _uniform_field(columns, reach, generator)
        step, reach = half, reach / decay**2
    flat = heights.flatten(1)
    low, high = per_image(flat.amin(1)), per_image(flat.amax(1))
    return (heights[:, :28, :28] - low) / (high - low)


def _uniform_field(like: Tensor, reach: float, generator: Generator) -> Tensor:
    """Draw numbers in [-reach, reach), shaped like a tensor."""
    drawn = torch.rand(like.shape, generator=generator, device=generator.device)
    return drawn.mul_(2 * reach).sub_(reach)
