"""Which parts of an image an answer hangs on: each is covered in turn, and the loss measured.

Source: Zeiler and Fergus (2014), Visualizing and Understanding Convolutional Networks, occlusion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images

_PATCH, _STEP = 6, 2  # pixels
_STARTS = range(0, SIDE - _PATCH + 1, _STEP)
_WINDOWS = [
    (slice(row, row + _PATCH), slice(column, column + _PATCH))
    for row in _STARTS
    for column in _STARTS
]


def occluded_images(image: Images) -> Images:
    """Return the image, then a copy for each place with a black square there."""
    copies = np.repeat(image[None], 1 + len(_WINDOWS), axis=0)
    for copy, window in zip(copies[1:], _WINDOWS, strict=True):
        copy[window] = 0
    return copies


def occlusion_map(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the answer's probability each pixel bears.

    Args:
        probabilities: ``(1 + places, 10)`` of what `covered` returns.

    Returns:
        ``(28, 28)`` in [0, 1]: the mean loss over the squares that cover a pixel, gains as 0.
    """
    whole, parts = probabilities[0], probabilities[1:]
    label = int(whole.argmax())
    total, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for window, part in zip(_WINDOWS, parts, strict=True):
        total[window] += max(0.0, whole[label] - part[label])
        times[window] += 1
    return total / times
