"""What a network that finds numbers takes and gives, shared by training and reading."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

GreyPage: TypeAlias = NDArray[np.uint8]  # (height, width)

# `core`: the middle of each number's height; `other`: that of writing which is no number;
# `height`: natural logarithm of a number's height in pixels; `angle`: sine of its slope, downwards
MAPS = ("core", "other", "height", "angle")
STRIDE = 4  # pixels a side of a map's cell
MULTIPLE = 32  # sides of the input are multiples of it
CORE_SHARE = 0.5  # height of a core as a share of its number's
HEIGHTS = (8.0, 100.0)  # pixels: lower and higher numbers are found at another scale
_WINDOW = 65  # pixels a side in which contrast is measured
_FLOOR = 8.0  # grey values added to the standard deviation, so that noise is not enlarged


def normalize_page(grey: GreyPage) -> NDArray[np.float32]:
    """Return an image with its local mean at 0 and its local standard deviation near 1.

    Shadows and a desk beside the sheet change local values little.

    Args:
        grey: uint8 ``(h, w)``, ink dark or bright.
    """
    values = grey.astype(np.float32)
    mean = uniform_filter(values, _WINDOW, mode="reflect")
    centred = values - mean
    variance = uniform_filter(centred * centred, _WINDOW, mode="reflect")
    normalized: NDArray[np.float32] = centred / (np.sqrt(np.maximum(variance, 0)) + _FLOOR)
    return normalized


def pad_page(page: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a page with zeros on the right and below, its sides multiples of `MULTIPLE`."""
    height, width = page.shape
    return np.pad(page, ((0, -height % MULTIPLE), (0, -width % MULTIPLE)))
