"""Bringing any picture of one digit to 28x28 the way MNIST was made.

LeCun et al. (1998), section III.A: size-normalised into a 20x20 box with the aspect ratio kept,
grey from anti-aliasing, then placed so that its centre of mass is the centre of the 28x28 field.
This is for ink on black; `inkfast.imaging.normalization` brings photographs there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import SIDE, Images
from inkfast.imaging.boxes import bounds, padded

BOX = 20
_INK = 0.2  # of the brightest: below this a pixel does not count towards the digit's outline


def center_digit(ink: NDArray[np.floating]) -> Images:
    """Bring one picture to MNIST's frame.

    Args:
        ink: ``(h, w)``, bright ink on dark, any scale; the brightest value counts as full ink.

    Returns:
        uint8 ``(28, 28)``; all zero when the picture holds no ink.
    """
    ink = ink.astype(np.float64) - ink.min()
    peak = ink.max()
    if peak <= 0:
        return np.zeros((SIDE, SIDE), np.uint8)
    ink /= peak
    top, left, bottom, right = bounds(ink >= _INK)
    crop = ink[top:bottom, left:right]
    scale = BOX / max(crop.shape)
    if scale > 1:
        crop = padded(crop, 1)  # enlarged ink fades out instead of ending at the crop's edge
    size = tuple(max(1, round(scale * length)) for length in crop.shape)
    resample = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = Image.fromarray((255 * crop).astype(np.uint8)).resize(size[::-1], resample)
    return _centred(np.asarray(small))


def _centred(digit: Images) -> Images:
    """Place a digit so that its centre of mass is the field's centre, no ink cut off."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    box = bounds(digit >= _INK * digit.max())
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


def ink_of(grey: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return brightness in [0, 1] with ink bright: the picture's border is taken for the paper."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.quantile(border, 0.5)  # np.median would import numpy.ma, which takes a while
    return 1 - grey if paper > 0.5 * (grey.min() + grey.max()) else grey
