"""Convert rows of features to 28x28 images, on the scale of the training rows.

784 features are the pixels of an image. Any other number of features is scaled feature by feature,
laid out row by row on the smallest square that holds them, and resized to 28x28. So flattened
square images of another size become images again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError

Rows = NDArray[Any]  # (n, features), without NaN
_MAX_UNIT = 1 + 1e-6  # largest pixel on the scale [0, 1], with a rounding error
_CHUNK = 1000  # rows converted at a time, which bounds memory


@dataclass(frozen=True)
class PixelFeatures:
    """Rows that are 28x28 images, 784 pixels each.

    Attributes:
        top: Value of full ink: 1 or 255.
    """

    top: float

    @classmethod
    def from_rows(cls, rows: Rows) -> PixelFeatures:
        """Take the scale from the brightest training pixel: [0, 1] if it is at most 1, else 255.

        Raises:
            InkfastError: If the pixels are on neither scale.
        """
        top = rows.max()
        between = _MAX_UNIT < top < 2  # on neither scale
        if rows.min() < 0 or top > 255 or between:
            raise InkfastError(
                "784 features are 28x28 pixels, 0 to 255 or in [0, 1], got "
                f"{_range_text(rows)}. Leave out any scaler: pixels are scaled here."
            )
        return cls(1.0 if top <= _MAX_UNIT else 255.0)

    def to_images(self, rows: Rows) -> Images:
        """Return images, uint8 ``(n, 28, 28)``.

        Raises:
            InkfastError: If the pixels are not on the scale of the training images.
        """
        top = rows.max()
        dim = self.top > 1 and 0 < top < 2  # [0, 1] where 0 to 255 is expected
        if rows.min() < 0 or top > max(self.top, _MAX_UNIT) or dim:
            raise InkfastError(
                f"pixels must be on the scale of the training images, 0 to {self.top:g}, got "
                f"{_range_text(rows)}. Scale both alike, or neither."
            )
        images = np.empty((len(rows), SIDE, SIDE), np.uint8)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK] * (255 / self.top)
            images[start : start + _CHUNK] = np.rint(part).reshape(-1, SIDE, SIDE)
        return images


@dataclass(frozen=True)
class TabularFeatures:
    """Rows of any other features.

    Attributes:
        low: Smallest value of each feature in training, float64 ``(features,)``; it becomes 0.
        high: Largest value, float64 ``(features,)``; it becomes 255. Values outside are clipped.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def from_rows(cls, rows: Rows) -> TabularFeatures:
        """Take the range of each feature from the training rows."""
        return cls(rows.min(axis=0).astype(np.float64), rows.max(axis=0).astype(np.float64))

    def to_images(self, rows: Rows) -> Images:
        """Return images, uint8 ``(n, 28, 28)``; a constant feature is 0."""
        side = ceil(sqrt(len(self.low)))
        resize = _area_resize(side)
        span = np.where(self.high > self.low, self.high - self.low, np.inf)
        images = np.empty((len(rows), SIDE, SIDE), np.uint8)
        for start in range(0, len(rows), _CHUNK):
            part = np.clip((rows[start : start + _CHUNK] - self.low) / span, 0, 1)
            squares = np.zeros((len(part), side * side))
            squares[:, : part.shape[1]] = part
            resized = resize @ squares.reshape(-1, side, side) @ resize.T
            images[start : start + _CHUNK] = np.rint(255 * resized)
        return images


def fit_features(rows: Rows) -> PixelFeatures | TabularFeatures:
    """Choose the conversion from the training rows.

    Raises:
        InkfastError: If rows of 784 pixels are on no known scale.
    """
    return (
        PixelFeatures.from_rows(rows)
        if rows.shape[1] == SIDE * SIDE
        else TabularFeatures.from_rows(rows)
    )


def _area_resize(side: int) -> NDArray[np.float64]:
    """Return the matrix ``(28, side)`` that resizes one axis by area averaging.

    Enlarging repeats cells with soft edges; shrinking uses all features.
    """
    edges = np.arange(SIDE + 1) * side / SIDE
    cells = np.arange(side)
    starts = np.maximum(edges[:-1, None], cells)
    ends = np.minimum(edges[1:, None], cells + 1)
    covered: NDArray[np.float64] = np.maximum(ends - starts, 0)
    return covered * SIDE / side


def _range_text(rows: Rows) -> str:
    return f"{rows.min():.7g} to {rows.max():.7g}"
