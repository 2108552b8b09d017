"""Geometry that corruptions share: bilinear or bicubic resampling, padding, convolution.

Conventions are those of Keras, scipy.ndimage and PIL: pixel centres are at whole numbers, a 28x28
image has its centre at 13.5, and the inverse map gives the input position of an output pixel.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from inkfast.core.errors import check_choice

# Names of fill modes -> names of grid_sample. "reflect" repeats the edge pixel
# (d c b a | a b c d | d c b a), as "reflection" does with align_corners=False.
FILLS = {"constant": "zeros", "nearest": "border", "reflect": "reflection"}
_BLOCK = 500  # images whose grid (3 MB) fits the L2 and L3 cache of one core


def check_fill(fill: object) -> None:
    """Raise `InkfastError` unless `fill` is one of the fill modes."""
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
        images: Images, float32 ``(n, h, w)``.
        inverse: Inverse maps, float32 ``(n, 2, 3)``, from output (x, y, 1) to input (x, y), both in
            pixels from the centre.
        fill: Fill mode of pixels outside the image, one of `FILLS`.
        offsets: Offsets (x, y) of input positions in pixels, float32 ``(n, 2, h, w)``.
        mode: bilinear, or bicubic, which keeps edges sharper and is clipped to [0, 1].

    Returns:
        float32 ``(n, h, w)``.
    """
    n, height, width = images.shape
    base = _positions(height, width, images.device)
    # grid_sample takes units of half an image. As planes (n, 2, h, w) the grid is one matrix
    # product, faster than affine_grid, in one of the two layouts that the CPU kernel vectorises.
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
    """Pad images by `margin` pixels on each side according to the fill mode."""
    if fill == "constant":
        return F.pad(images, (margin,) * 4)
    rows, columns = (_source(size, margin, fill, images.device) for size in images.shape[1:])
    return images[:, rows][:, :, columns]


def convolve(images: Tensor, kernels: Tensor, fill: str) -> Tensor:
    """Correlate each image with its own kernel; the size stays.

    Args:
        images: Images, float32 ``(n, h, w)``.
        kernels: Kernels, float32 ``(n, k, k)`` with odd k.
        fill: Fill mode of pixels outside the image.
    """
    padded = pad(images, kernels.shape[-1] // 2, fill)
    return F.conv2d(padded[None], kernels[:, None], groups=len(images))[0]


def smooth(
    images: Tensor, sigma: float, *, fill: str = "nearest", vertical: bool = False
) -> Tensor:
    """Blur all images with one Gaussian, truncated at four sigma as in scipy.ndimage.

    Args:
        images: Images, float32 ``(n, h, w)``.
        sigma: Standard deviation in pixels; 0 changes nothing.
        fill: Fill mode of pixels outside the image.
        vertical: Whether to blur along columns only.
    """
    radius = int(4 * sigma + 0.5)
    if not radius:
        return images.clone()
    offset = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offset / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = pad(images, radius, fill)[:, None]
    out = F.conv2d(padded, kernel.view(1, 1, -1, 1))
    if vertical:
        return out[:, 0, :, radius:-radius]
    return F.conv2d(out, kernel.view(1, 1, 1, -1))[:, 0]


@lru_cache
def _positions(height: int, width: int, device: torch.device) -> Tensor:
    """Return x and y of each pixel from the image centre, and ones, ``(3, h * w)``."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device) - (height - 1) / 2,
        torch.arange(width, device=device) - (width - 1) / 2,
        indexing="ij",
    )
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


def _source(size: int, margin: int, fill: str, device: torch.device) -> Tensor:
    """Return the index that each padded pixel copies."""
    position = torch.arange(-margin, size + margin, device=device)
    if fill == "nearest":
        return position.clamp(0, size - 1)
    position = position % (2 * size)
    return torch.where(position < size, position, 2 * size - 1 - position)
