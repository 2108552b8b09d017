"""Occlusion maps: cover each part of an image in turn, and measure the loss of probability.

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
    """Return the image, then a copy for each window with a black square there."""
    copies = np.repeat(image[None], 1 + len(_WINDOWS), axis=0)
    for copy, window in zip(copies[1:], _WINDOWS, strict=True):
        copy[window] = 0
    return copies


def occlusion_map(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of the predicted digit's probability depends on each pixel.

    Args:
        probabilities: Probabilities ``(1 + windows, 10)`` of what `occluded_images` returns.

    Returns:
        Mean loss of probability over the windows that cover a pixel, ``(28, 28)`` in [0, 1]; a
        gain counts as 0.
    """
    whole, parts = probabilities[0], probabilities[1:]
    label = int(whole.argmax())
    total, times = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE))
    for window, part in zip(_WINDOWS, parts, strict=True):
        total[window] += max(0.0, whole[label] - part[label])
        times[window] += 1
    return total / times
