"""Named corruptions, chains of them, and noisy copies of digits that can be made again exactly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from inkfast.core.digits import Digits
from inkfast.core.random import make_generator
from inkfast.core.registry import import_modules
from inkfast.noise.base import NOISES, Noise
from inkfast.noise.chain import Chain, build_noise
from inkfast.noise.presets import MNIST_C, NOTES, PRESETS, SUITES, SeverityLevels

__all__ = [
    "MNIST_C", "NOISES", "NOTES", "PRESETS", "SUITES", "Chain", "Noise", "SeverityLevels",
    "build_noise", "noisy", "to_unit",
]  # fmt: skip

import_modules(__name__, __path__)  # each corruption registers itself

_ROWS = 1000  # rows that share one random stream; changing it changes every noisy set


def to_unit(images: Tensor) -> Tensor:
    """Bring uint8 pixels to float32 in [0, 1]: the only place where pixels are scaled."""
    return images.to(torch.float32).div_(255)


def noisy(digits: Digits, noise: Chain, seed: int) -> Digits:
    """Return a noisy copy, the same for the same images, noise and seed on the same machine.

    Pixels are rounded back to 8 bits, so the copy has a fingerprint and can be saved.
    """
    if not noise:
        return digits
    images = np.empty_like(digits.images)
    for start in range(0, len(digits), _ROWS):
        rows = slice(start, start + _ROWS)
        clean = to_unit(torch.tensor(digits.images[rows]))
        corrupted = noise(clean, make_generator(seed, "noisy copy", start))
        images[rows] = corrupted.mul_(255).round_().to(torch.uint8).numpy()
    return Digits(images, digits.labels, f"{digits.name}, {noise.name}")
