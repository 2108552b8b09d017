"""Noisy copies of images: the same images, noise and seed give the same copy on one machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inkfast.core.digits import SIDE, Digits
from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.core.pixels import to_uint8, to_unit
from inkfast.core.random import make_generator
from inkfast.noise.chain import Chain, build_noise

_BLOCK = 1000  # rows that share one random generator; changing it changes every noisy copy

Pixels = TypeVar("Pixels", NDArray[np.generic], Tensor)


def noisy(digits: Digits, noise: Chain, seed: int) -> Digits:
    """Return a noisy copy of digits; pixels are rounded to 8 bits, so it can be saved."""
    if not noise:
        return digits
    images = np.empty_like(digits.images)
    for rows, corrupted in _corrupted_blocks(torch.tensor(digits.images), noise, seed):
        images[rows] = to_uint8(corrupted).numpy()
    return dataclasses.replace(digits, images=images, name=f"{digits.name}, {noise.name}")


def apply_noise(images: Pixels, noise: str | Chain, seed: int = 0) -> Pixels:
    """Return a noisy copy of images.

    The first images of a batch get the same noise whatever follows them.

    Args:
        images: 28x28 images with bright ink on dark: a NumPy array or a torch tensor of shape
            ``(28, 28)``, ``(n, 28, 28)`` or ``(n, 1, 28, 28)``, uint8 or floats in [0, 1].
        noise: Spec such as ``"rotate(degrees=30) + gaussian(sigma=0.2)"``, or what `build_noise`
            returned.
        seed: Seed of the random generator, 0 or greater.

    Returns:
        An array or tensor like `images`: same type, shape, dtype and device.

    Raises:
        InkfastError: If the images or the noise cannot be used.
    """
    chain = noise if isinstance(noise, Chain) else build_noise(noise)
    check_number("seed", seed, low=0, high=2**63 - 1, whole=True)
    if isinstance(images, np.ndarray):
        return (
            _corrupt_tensor(torch.tensor(_checked(images)), chain, seed)
            .numpy()
            .astype(images.dtype)
        )
    return _corrupt_tensor(_checked(images), chain, seed).to(images.dtype)


def _corrupt_tensor(images: Tensor, chain: Chain, seed: int) -> Tensor:
    blocks = _corrupted_blocks(images.reshape(-1, SIDE, SIDE), chain, seed)
    whole = torch.cat([corrupted for _, corrupted in blocks])
    return (to_uint8(whole) if images.dtype == torch.uint8 else whole).reshape(images.shape)


def _corrupted_blocks(images: Tensor, chain: Chain, seed: int) -> Iterator[tuple[slice, Tensor]]:
    """Yield rows and their corrupted images, float32 in [0, 1], block by block."""
    for start in range(0, len(images), _BLOCK):
        rows = slice(start, start + _BLOCK)
        clean = to_unit(images[rows]) if images.dtype == torch.uint8 else images[rows].float()
        yield rows, chain(clean, make_generator(seed, "noisy copy", start, device=images.device))


def _checked(images: Pixels) -> Pixels:
    """Return images that can be corrupted, or raise `InkfastError`."""
    if not isinstance(images, np.ndarray | Tensor):
        raise InkfastError(
            "images must be a NumPy array or a torch tensor, got "
            f"{type(images).__name__} {short_repr(images)}."
        )
    shape: tuple[int, ...] = tuple(images.shape)
    rows = shape[:-2]
    if shape[-2:] != (SIDE, SIDE) or len(rows) > 2 or rows[1:] not in ((), (1,)):
        raise InkfastError(
            f"images must have shape (28, 28), (n, 28, 28) or (n, 1, 28, 28), got {shape}."
        )
    if 0 in shape:
        raise InkfastError("expected at least one image, got none.")
    kind = str(images.dtype).removeprefix("torch.")
    if kind == "uint8":
        return images
    if not kind.startswith(("float", "bfloat")) or not 0 <= images.min() <= images.max() <= 1:
        raise InkfastError(
            f"images must be uint8, or floats in [0, 1] without NaN, got {kind} from "
            f"{images.min().item()} to {images.max().item()}. Convert or rescale them."
        )
    return images
