"""Scanning: what a camera, scanner or fax makes of ink on paper."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter1d

Rng = np.random.Generator
Grey: TypeAlias = NDArray[Any]  # float32 (height, width)


def expose(ink: Grey, paper: Grey, rng: Rng, *, clear: bool = False) -> Grey:
    """Return ink on paper as grey in [0, 1], at a random contrast and lightness.

    Args:
        ink: Share of ink in each pixel.
        paper: Lightness of the paper, in [0, 1].
        rng: Random generator.
        clear: Whether the ink is much darker than the paper and what is printed on it.
    """
    white = rng.uniform(0.55, 1.0) if rng.random() < 0.7 else 1.0
    contrast = rng.uniform(0.5 if clear else 0.25, 1.0) if rng.random() < 0.75 else 1.0
    # people can read the number: what is printed on the paper is paler than the ink
    depth = 1 - paper
    printed = float(np.percentile(depth, 97) - np.median(depth))
    depth *= min(1.0, contrast * rng.uniform(0.1, 0.35 if clear else 0.7) / max(printed, 1e-3))
    return white * (1 - depth) * (1 - contrast * ink)


def degrade(grey: Grey, height: float, rng: Rng, *, clear: bool = False) -> NDArray[np.uint8]:
    """Return what is recorded of a grey image in [0, 1]; each effect has its own share.

    Args:
        grey: Image in [0, 1].
        height: Height of a digit in pixels.
        rng: Random generator.
        clear: Whether each effect is a third as frequent.
    """
    for share, effect in EFFECTS.values():
        if rng.random() < (share / 3 if clear else share):
            grey = effect(grey, height, rng)
    return to_bytes(grey)


def to_bytes(grey: Grey) -> NDArray[np.uint8]:
    """Return a grey image in [0, 1] as uint8."""
    return np.asarray(np.rint(np.clip(grey, 0, 1) * 255), np.uint8)


def _blur(grey: Grey, height: float, rng: Rng) -> Grey:
    blurred: Grey = gaussian_filter(grey, rng.uniform(0.2, 0.035 * height))
    return blurred


def _shake(grey: Grey, height: float, rng: Rng) -> Grey:
    shaken: Grey = uniform_filter1d(grey, max(2, int(0.12 * height)), axis=int(rng.integers(2)))
    return shaken


def _noise(grey: Grey, height: float, rng: Rng) -> Grey:
    level = rng.uniform(0, 0.4) if rng.random() < 0.9 else rng.uniform(0.4, 0.8)
    sigma = float(np.std(grey)) * level
    noisy: Grey = grey + sigma * rng.standard_normal(grey.shape, np.float32)
    return noisy


def _spots(grey: Grey, height: float, rng: Rng) -> Grey:
    spots = rng.random(grey.shape)
    return np.where(spots < 0.03, 0.0, np.where(spots > 0.97, 1.0, grey)).astype(np.float32)


def _fax(grey: Grey, height: float, rng: Rng) -> Grey:
    low, high = np.percentile(grey, (2, 80))
    black: Grey = grey > low + (high - low) * rng.uniform(0.35, 0.65)
    return black.astype(np.float32)


def _gamma(grey: Grey, height: float, rng: Rng) -> Grey:
    bent: Grey = np.clip(grey, 0, 1) ** rng.uniform(0.5, 2)
    return bent


def _invert(grey: Grey, height: float, rng: Rng) -> Grey:
    return 1 - grey


def _jpeg(grey: Grey, height: float, rng: Rng) -> Grey:
    file = io.BytesIO()
    Image.fromarray(to_bytes(grey)).save(file, "JPEG", quality=int(rng.integers(25, 92)))
    return np.asarray(Image.open(file), np.float32) / 255


# In the order in which they happen, with the share of the images that have them
EFFECTS: dict[str, tuple[float, Callable[[Grey, float, Rng], Grey]]] = {
    "blur": (0.45, _blur),
    "shaken camera": (0.06, _shake),
    "noise": (0.5, _noise),
    "specks": (0.03, _spots),
    "fax": (0.06, _fax),
    "exposure": (0.06, _gamma),
    "inverted": (0.15, _invert),
    "JPEG": (0.4, _jpeg),
}
