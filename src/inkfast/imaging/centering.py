"""Bring the ink of one digit to 28x28 the way MNIST was made.

LeCun et al. (1998), section III.A: size-normalised into a 20x20 box with the aspect ratio kept,
grey from anti-aliasing, then placed so that its centre of mass is the centre of the 28x28 field.
Expects ink on black; `inkfast.imaging.normalization` prepares photographs for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import SIDE, Images
from inkfast.imaging.boxes import bounding_box, zero_pad

BOX = 20  # pixels of the longer side of MNIST's digits. Source: LeCun et al. (1998), III.A
_INK = 0.2  # of the brightest pixel: below this a pixel is outside the digit. Chosen by eye


def center_digit(ink: NDArray[np.floating]) -> Images:
    """Scale and centre one digit as MNIST does.

    Args:
        ink: ``(h, w)``, bright ink on dark, any scale; the brightest value counts as full ink.

    Returns:
        uint8 ``(28, 28)``; all zero if the image holds no ink.
    """
    ink = ink.astype(np.float64) - ink.min()
    peak = ink.max()
    if peak <= 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    ink /= peak
    top, left, bottom, right = bounding_box(ink >= _INK)
    crop = ink[top:bottom, left:right]
    scale = BOX / max(crop.shape)
    if scale > 1:
        crop = zero_pad(crop, 1)  # enlarged ink fades out instead of ending at the crop's edge
    size = tuple(max(1, round(scale * length)) for length in crop.shape)
    resample = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = Image.fromarray(crop.astype(np.float32)).resize(size[::-1], resample)
    digit = np.clip(np.asarray(small), 0, None)
    # a thin stroke that is scaled down would be faint; MNIST's are not
    return _place_by_center_of_mass(np.asarray(np.rint(255 * digit / digit.max()), np.uint8))


def _place_by_center_of_mass(digit: Images) -> Images:
    """Place a digit so that its centre of mass is the field's centre; no ink is cut off."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    box = bounding_box(digit >= _INK * digit.max())
    source, target = [], []
    for axis in (0, 1):
        first, last = box[axis], box[axis + 2] - 1
        along = digit.sum(axis=1 - axis, dtype=np.float64)
        centre = (along * np.arange(len(along))).sum() / along.sum()
        shift = round((SIDE - 1) / 2 - centre)
        shift = min(max(shift, -first), SIDE - 1 - last)
        start, stop = max(0, -shift), min(len(along), SIDE - shift)
        source.append(slice(start, stop))
        target.append(slice(start + shift, stop + shift))
    field[tuple(target)] = digit[tuple(source)]
    return field


def to_bright_ink(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return brightness ``(h, w)`` in [0, 1] with bright ink; the border is taken as paper."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.quantile(border, 0.5)  # np.median would import numpy.ma, which takes a while
    return 1 - grey if paper > 0.5 * (grey.min() + grey.max()) else grey
