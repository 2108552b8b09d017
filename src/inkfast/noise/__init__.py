"""Named corruptions, chains of them, and noisy copies of images that a seed reproduces."""

from __future__ import annotations

from inkfast.core.registry import import_modules
from inkfast.noise.base import NOISES, Noise
from inkfast.noise.chain import Chain, build_noise
from inkfast.noise.copies import apply_noise, noisy
from inkfast.noise.presets import MNIST_C, NOTES, PRESETS, SUITES, SeverityLevels

__all__ = [
    "MNIST_C", "NOISES", "NOTES", "PRESETS", "SUITES", "Chain", "Noise", "SeverityLevels",
    "apply_noise", "build_noise", "noisy",
]  # fmt: skip

import_modules(__name__, __path__)  # each corruption registers itself
