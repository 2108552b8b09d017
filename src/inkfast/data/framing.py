"""Bringing any picture of one digit to 28x28 the way MNIST was made.

LeCun et al. (1998), section III.A: size-normalised into a 20x20 box with the aspect ratio kept,
grey from anti-aliasing, then placed so that its centre of mass is the centre of the 28x28 field.
This is for ink on black; `inkfast.data.paper` brings photographs there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.data.digits import SIDE, Images

BOX = 20
_INK = 0.2  # of the brightest: below this a pixel does not count towards the digit's outline


def frame(ink: NDArray[np.floating]) -> Images:
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
    rows, columns = np.nonzero(ink >= _INK)
    crop = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(crop.shape)
    if scale > 1:
        crop = np.pad(crop, 1)  # enlarged ink fades out instead of ending at the crop's edge
    size = tuple(max(1, round(scale * length)) for length in crop.shape)
    resample = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = Image.fromarray((255 * crop).astype(np.uint8)).resize(size[::-1], resample)
    return _centred(np.asarray(small))


def _centred(digit: Images) -> Images:
    """Place a digit so that its centre of mass is the field's centre, no ink cut off."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    inked = np.argwhere(digit >= _INK * digit.max())
    source, target = [], []
    for axis in (0, 1):
        first, last = inked[:, axis].min(), inked[:, axis].max()
        along = digit.sum(axis=1 - axis, dtype=np.float64)
        centre = (along * np.arange(len(along))).sum() / along.sum()
        shift = round((SIDE - 1) / 2 - centre)
        shift = min(max(shift, -first), SIDE - 1 - last)
        start, stop = max(0, -shift), min(len(along), SIDE - shift)
        source.append(slice(start, stop))
        target.append(slice(start + shift, stop + shift))
    field[tuple(target)] = digit[tuple(source)]
    return field


def ink_of(image: Image.Image) -> NDArray[np.float64]:
    """Turn a picture into ink strength, whatever its mode, orientation or polarity.

    EXIF rotation is applied; transparency becomes background; 16 bit and CMYK are handled. Dark
    on light is turned over: the border of the picture is taken for the background.

    Returns:
        float64 ``(h, w)`` in [0, 1], ink bright.
    """
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        grey = _unit(np.asarray(image, np.float64))
        if not np.isfinite(grey).all():
            raise ValueError("a pixel is not a finite number")
    elif "A" in image.getbands() or "transparency" in image.info:
        grey = _flattened(image.convert("RGBA"))
    else:
        grey = np.asarray(image.convert("RGB").convert("L"), np.float64) / 255
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return 1 - grey if np.median(border) > 0.5 * (grey.min() + grey.max()) else grey


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale 16-bit (or 8-bit in a wider type, or float) grey values to [0, 1]."""
    top = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), values.max())
    return np.clip(values / top, 0, 1)


def _flattened(image: Image.Image) -> NDArray[np.float64]:
    """Lay a picture with transparency on the background its visible ink stands out from."""
    rgba = np.asarray(image, np.float64) / 255
    grey, alpha = rgba[..., :3] @ (0.299, 0.587, 0.114), rgba[..., 3]
    if alpha.min() == 1:
        return np.asarray(grey)
    visible = (grey * alpha).sum() / max(alpha.sum(), 1e-9)
    background = 0.0 if visible > 0.5 else 1.0
    return np.asarray(grey * alpha + background * (1 - alpha))
