"""Strips: how an image of one number is brought to the input of a network that reads numbers.

Training, export and reading share these functions, so that a network meets the same strips in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.errors import InkfastError, short_repr

GreyStrip: TypeAlias = NDArray[np.uint8]  # (height, width) of any size, ink dark or bright

STRIP_HEIGHT = 40  # rows of a prepared strip
FRAME_WIDTH = 4  # columns for which a network gives one distribution of characters
STRIP_MARGIN = 8  # columns of zeros that a network gets on either side of a normalised strip
CONTRAST_FLOOR = 8.0  # grey values added to the standard deviation, so that noise is not enlarged
# Widths, as shares of its own, at which a strip is seen again if the network is not certain of it.
OTHER_WIDTHS = (1.15, 0.87)
_MIN_SIDE = 4  # pixels; a smaller strip shows no character
_MIN_WIDTH, _MAX_WIDTH = 12, 4000  # columns of a prepared strip


def prepare_strip(strip: GreyStrip, name: str = "the strip") -> GreyStrip:
    """Scale a strip to the height of the network, keeping its aspect.

    Args:
        strip: uint8 ``(height, width)``.
        name: Name of the strip in messages.

    Returns:
        uint8 ``(40, width)``, at least 12 columns wide.

    Raises:
        InkfastError: If it is no such array, is less than 4 pixels high or wide, or is more than
            100 times as wide as high.
    """
    _check_strip(strip, name)
    height, width = strip.shape
    columns = max(_MIN_WIDTH, round(width * STRIP_HEIGHT / height))
    if columns > _MAX_WIDTH:
        raise InkfastError(
            f"{name} is {width:,} pixels wide and {height:,} high: expected at most "
            f"{_MAX_WIDTH // STRIP_HEIGHT} times as wide as high. Cut it into single numbers."
        )
    scaled = Image.fromarray(strip).resize((columns, STRIP_HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def other_views(strip: GreyStrip) -> list[GreyStrip]:
    """Return a prepared strip at `OTHER_WIDTHS`: uint8 ``(40, width)`` each."""
    image = Image.fromarray(strip)
    widths = [max(_MIN_WIDTH, round(factor * strip.shape[1])) for factor in OTHER_WIDTHS]
    return [
        np.asarray(image.resize((width, STRIP_HEIGHT), Image.Resampling.BILINEAR))
        for width in widths
    ]


def normalize_strips(strips: Sequence[GreyStrip], width: int = 0) -> NDArray[np.float32]:
    """Return prepared strips as the input of a network, all of one width.

    The grey values of each strip get mean 0 and nearly standard deviation 1; margins are 0.

    Args:
        strips: Prepared strips, uint8 ``(40, w)``.
        width: Least width of the result, in columns.

    Returns:
        float32 ``(n, 1, 40, width)``, wide enough for the widest strip and its margins.
    """
    widest = max(strip.shape[1] for strip in strips) + 2 * STRIP_MARGIN
    found = np.zeros((len(strips), 1, STRIP_HEIGHT, max(width, widest)), np.float32)
    for row, strip in zip(found, strips, strict=True):
        grey = strip.astype(np.float32)
        columns = slice(STRIP_MARGIN, STRIP_MARGIN + strip.shape[1])
        row[0, :, columns] = (grey - grey.mean()) / (grey.std() + CONTRAST_FLOOR)
    return found


def frames_of_width(width: int) -> int:
    """Return how many frames a network gives for a prepared strip of a width, margins included."""
    return -(-(width + 2 * STRIP_MARGIN) // FRAME_WIDTH)


def _check_strip(strip: Any, name: str) -> None:
    expected = f"{name}: expected a grey image as a NumPy array, uint8 (height, width)"
    if not isinstance(strip, np.ndarray):
        raise InkfastError(f"{expected}, got {short_repr(strip)}.")
    if strip.dtype != np.uint8 or strip.ndim != 2:
        raise InkfastError(f"{expected}, got {strip.dtype} {strip.shape}.")
    if min(strip.shape) < _MIN_SIDE:
        height, width = strip.shape
        raise InkfastError(
            f"{expected} of at least {_MIN_SIDE} pixels each, got {height:,} x {width:,}."
        )
