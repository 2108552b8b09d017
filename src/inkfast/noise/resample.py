"""Bilinear or bicubic resampling of batches, and borders: geometry that corruptions share.

Conventions, as Keras, scipy.ndimage and PIL agree on them: pixel centres are at whole
numbers, the centre of a 28x28 image is at 13.5, and an output pixel reads the input at the place
that the inverse map gives.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from inkfast.core.errors import check_choice

# Our words for what lies outside -> what grid_sample calls it. "reflect" repeats the edge pixel
# (d c b a | a b c d | d c b a), which is what align_corners=False makes of "reflection".
FILLS = {"constant": "zeros", "nearest": "border", "reflect": "reflection"}
_BLOCK = 500  # images whose grid (3 MB) still fits the L2 and L3 cache of one core


def check_fill(fill: object) -> None:
    """Raise unless `fill` is one of the fill modes."""
    check_choice("fill", fill, FILLS)


def affine(
    images: Tensor,
    inverse: Tensor,
    fill: str,
    offsets: Tensor | None = None,
    mode: str = "bilinear",
) -> Tensor:
    """Resample each image under its own affine map about the image centre.

    Args:
        images: float32 ``(n, h, w)``.
        inverse: float32 ``(n, 2, 3)``, taking an output position (x, y, 1) in pixels from the
            centre to the input position it reads.
        fill: What lies outside the image, one of `FILLS`.
        offsets: float32 ``(n, 2, h, w)``, (x, y) in pixels that are added to the input positions.
        mode: bilinear, or bicubic, which keeps edges sharper and is cut off to [0, 1].

    Returns:
        float32 ``(n, h, w)``.
    """
    n, height, width = images.shape
    base = _positions(height, width, images.device)
    # grid_sample wants units of half an image. Written as planes (n, 2, h, w) the grid is one
    # matrix product, three times faster than affine_grid, and its layout is one of the two that
    # the CPU kernel vectorises.
    unit = torch.tensor([[2 / width], [2 / height]], device=images.device)
    block = _BLOCK if images.device.type == "cpu" else max(1, n)
    found = []
    maps = torch.split(inverse * unit, block)
    moved = [None] * len(maps) if offsets is None else torch.split(offsets, block)
    for part, theta, extra in zip(torch.split(images, block), maps, moved, strict=True):
        grid = (theta.reshape(-1, 3) @ base).view(-1, 2, height, width)
        if extra is not None:
            grid += extra * unit[:, :, None]
        grid = grid.permute(0, 2, 3, 1)
        sampled = F.grid_sample(
            part[:, None], grid, mode=mode, padding_mode=FILLS[fill], align_corners=False
        )
        found.append((sampled.clamp_(0, 1) if mode == "bicubic" else sampled)[:, 0])
    return found[0] if len(found) == 1 else torch.cat(found)


def linear(xx: Tensor, xy: Tensor, yx: Tensor, yy: Tensor) -> Tensor:
    """Return ``(n, 2, 3)`` maps [[xx, xy, 0], [yx, yy, 0]] from their ``(n,)`` entries."""
    zero = torch.zeros_like(xx)
    return torch.stack([xx, xy, zero, yx, yy, zero], dim=1).view(-1, 2, 3)


def pad(images: Tensor, margin: int, fill: str) -> Tensor:
    """Widen images by `margin` pixels on every side, following the fill mode."""
    if fill == "constant":
        return F.pad(images, (margin,) * 4)
    rows, columns = (_source(size, margin, fill, images.device) for size in images.shape[1:])
    return images[:, rows][:, :, columns]


def convolve(images: Tensor, kernels: Tensor, fill: str) -> Tensor:
    """Correlate each image with its own kernel, keeping the size.

    Args:
        images: float32 ``(n, h, w)``.
        kernels: float32 ``(n, k, k)``, k odd.
        fill: What lies outside the image.
    """
    padded = pad(images, kernels.shape[-1] // 2, fill)
    return F.conv2d(padded[None], kernels[:, None], groups=len(images))[0]


def smooth(
    images: Tensor, sigma: float, *, fill: str = "nearest", vertical: bool = False
) -> Tensor:
    """Blur all images alike with a Gaussian cut off at four sigma, as scipy.ndimage does.

    Args:
        images: float32 ``(n, h, w)``.
        sigma: Standard deviation in pixels; 0 changes nothing.
        fill: What lies outside the image.
        vertical: Whether only from row to row.
    """
    radius = int(4 * sigma + 0.5)
    if not radius:
        return images.clone()
    place = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (place / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = pad(images, radius, fill)[:, None]
    out = F.conv2d(padded, kernel.view(1, 1, -1, 1))
    if vertical:
        return out[:, 0, :, radius:-radius]
    return F.conv2d(out, kernel.view(1, 1, 1, -1))[:, 0]


@lru_cache
def _positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return ``(3, h * w)``: x and y of every pixel from the image centre, and ones."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device) - (height - 1) / 2,
        torch.arange(width, device=device) - (width - 1) / 2,
        indexing="ij",
    )
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


def _source(size: int, margin: int, fill: str, device: torch.device) -> Tensor:
    """Return which pixel each padded pixel copies."""
    place = torch.arange(-margin, size + margin, device=device)
    if fill == "nearest":
        return place.clamp(0, size - 1)
    place = place % (2 * size)
    return torch.where(place < size, place, 2 * size - 1 - place)
