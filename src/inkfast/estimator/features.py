"""Rows of numbers, as scikit-learn passes them, to 28x28 pixels, always on one scale.

784 features are the pixels of a 28x28 image. Any other number is no image of ours: each feature is
scaled by its own range, the features are laid out row by row on the smallest square that holds
them, and the square is zoomed to 28x28 so that convolutions can see it. Square pictures of another
size, flattened, come out as pictures.

The scale is decided on the training rows and kept: rows on another scale are refused, not rescaled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError

Rows = NDArray[Any]  # (n, features), numbers without NaN
_WHITE = 1 + 1e-6  # full ink in [0, 1], if it was scaled elsewhere and rounded up
_CHUNK = 1000  # rows that are drawn at a time, which bounds the memory taken


@dataclass(frozen=True)
class PixelFeatures:
    """Rows that are 28x28 images, 784 pixels each.

    Attributes:
        top: Full ink: 1 or 255.
    """

    top: float

    @classmethod
    def fitted(cls, rows: Rows) -> PixelFeatures:
        """Take the scale from the brightest training pixel: [0, 1] up to 1, else 0 to 255.

        Raises:
            InkfastError: If the pixels are on neither scale.
        """
        top = rows.max()
        if rows.min() < 0 or top > 255 or _WHITE < top < 2:  # the last is on neither scale
            raise InkfastError(
                f"784 features are 28x28 pixels, 0 to 255 or in [0, 1], got {_ends(rows)}. Leave "
                "out any scaler: pixels are scaled here."
            )
        return cls(1.0 if top <= _WHITE else 255.0)

    def draw(self, rows: Rows) -> Images:
        """Return images, uint8 ``(n, 28, 28)``.

        Raises:
            InkfastError: If the pixels are not on the scale of the training images.
        """
        top = rows.max()
        dim = self.top > 1 and 0 < top < 2  # [0, 1] where 0 to 255 is expected
        if rows.min() < 0 or top > max(self.top, _WHITE) or dim:
            raise InkfastError(
                f"pixels must be on the scale of the training images, 0 to {self.top:g}, got "
                f"{_ends(rows)}. Scale both alike, or neither."
            )
        images = np.empty((len(rows), SIDE, SIDE), np.uint8)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK] * (255 / self.top)
            images[start : start + _CHUNK] = np.rint(part).reshape(-1, SIDE, SIDE)
        return images


@dataclass(frozen=True)
class TabularFeatures:
    """Rows of any other numbers.

    Attributes:
        low: float64 ``(features,)``, smallest value of each feature in training, drawn as 0.
        high: float64 ``(features,)``, largest, drawn as 255; what lies outside is drawn as its end.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def fitted(cls, rows: Rows) -> TabularFeatures:
        """Take each feature's range from the training rows."""
        return cls(rows.min(axis=0).astype(np.float64), rows.max(axis=0).astype(np.float64))

    def draw(self, rows: Rows) -> Images:
        """Return images, uint8 ``(n, 28, 28)``; a feature that never varied stays 0."""
        side = ceil(sqrt(len(self.low)))
        zoom = _zoom(side)
        span = np.where(self.high > self.low, self.high - self.low, np.inf)
        images = np.empty((len(rows), SIDE, SIDE), np.uint8)
        for start in range(0, len(rows), _CHUNK):
            part = np.clip((rows[start : start + _CHUNK] - self.low) / span, 0, 1)
            squares = np.zeros((len(part), side * side))
            squares[:, : part.shape[1]] = part
            drawn = zoom @ squares.reshape(-1, side, side) @ zoom.T
            images[start : start + _CHUNK] = np.rint(255 * drawn)
        return images


def fitted(rows: Rows) -> PixelFeatures | TabularFeatures:
    """Decide from the training rows how rows are drawn.

    Raises:
        InkfastError: If rows of 784 pixels are on no known scale.
    """
    return (
        PixelFeatures.fitted(rows) if rows.shape[1] == SIDE * SIDE else TabularFeatures.fitted(rows)
    )


def _zoom(side: int) -> NDArray[np.float64]:
    """Return the matrix ``(28, side)`` that zooms one axis, each pixel the mean of what it covers.

    Enlarging repeats cells with soft edges; shrinking leaves no feature out.
    """
    edges = np.arange(SIDE + 1) * side / SIDE
    cells = np.arange(side)
    starts = np.maximum(edges[:-1, None], cells)
    ends = np.minimum(edges[1:, None], cells + 1)
    covered: NDArray[np.float64] = np.maximum(ends - starts, 0)
    return covered * SIDE / side


def _ends(rows: Rows) -> str:
    return f"{rows.min():.7g} to {rows.max():.7g}"
