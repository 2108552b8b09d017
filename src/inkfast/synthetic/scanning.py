"""Scanning: what a camera, scanner or fax makes of ink on paper."""

from __future__ import annotations

import io
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter1d

Rng = np.random.Generator
Grey: TypeAlias = NDArray[Any]  # float32 (height, width)


def expose(ink: Grey, paper: Grey, rng: Rng) -> Grey:
    """Return ink on paper as grey in [0, 1], at a random contrast and lightness."""
    white = rng.uniform(0.55, 1.0) if rng.random() < 0.7 else 1.0
    contrast = rng.uniform(0.25, 1.0) if rng.random() < 0.75 else 1.0
    # people can read the number: what is printed on the paper is paler than the ink
    depth = 1 - paper
    printed = float(np.percentile(depth, 97) - np.median(depth))
    depth *= min(1.0, contrast * rng.uniform(0.15, 0.7) / max(printed, 1e-3))
    return white * (1 - depth) * (1 - contrast * ink)


def degrade(grey: Grey, height: float, rng: Rng) -> NDArray[np.uint8]:
    """Return what is recorded of a grey image in [0, 1]: blur, noise, thresholds, compression.

    Args:
        grey: Image in [0, 1].
        height: Height of a digit in pixels.
        rng: Random generator.
    """
    if rng.random() < 0.45:
        grey = gaussian_filter(grey, rng.uniform(0.2, 0.035 * height))
    if rng.random() < 0.06:
        grey = uniform_filter1d(grey, max(2, int(0.12 * height)), axis=int(rng.integers(2)))
    if rng.random() < 0.5:
        spread = float(np.std(grey))
        sigma = spread * (rng.uniform(0, 0.4) if rng.random() < 0.85 else rng.uniform(0.4, 1.0))
        grey = grey + sigma * rng.standard_normal(grey.shape, np.float32)
    if rng.random() < 0.03:
        spots = rng.random(grey.shape)
        grey = np.where(spots < 0.03, 0.0, np.where(spots > 0.97, 1.0, grey)).astype(np.float32)
    kind = rng.random()
    if kind < 0.06:  # fax
        low, high = np.percentile(grey, (2, 80))
        grey = (grey > low + (high - low) * rng.uniform(0.35, 0.65)).astype(np.float32)
    elif kind < 0.12:
        grey = np.clip(grey, 0, 1) ** rng.uniform(0.5, 2)
    if rng.random() < 0.15:
        grey = 1 - grey
    recorded = np.asarray(np.rint(np.clip(grey, 0, 1) * 255), np.uint8)
    return _compress(recorded, int(rng.integers(25, 92))) if rng.random() < 0.4 else recorded


def _compress(recorded: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(recorded).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
