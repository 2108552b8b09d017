"""Masks of ink and the boxes around them. Called for every digit, so each function is quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]  # (h, w), True where there is ink
Box: TypeAlias = tuple[int, int, int, int]  # top, left, bottom, right; the last two exclusive

_T = TypeVar("_T", bound=np.generic)


def bounding_box(mask: Mask) -> Box:
    """Return the smallest box around the True pixels of a mask ``(h, w)``; zeros if none is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def is_cut_off(box: Sequence[int] | NDArray[np.int64], shape: tuple[int, ...]) -> bool:
    """Return whether ink in a box touches the edge of an image, and so may continue outside.

    A box that spans the image from edge to edge is not cut off: the image was cropped to its digit.

    Args:
        box: Top, left, bottom, right of the ink, in pixels.
        shape: Height and width of the image, in pixels.
    """
    top, left, bottom, right = box
    touches = top == 0, left == 0, bottom == shape[0], right == shape[1]
    spans = (touches[0] and touches[2]) or (touches[1] and touches[3])
    return any(touches) and not spans


def zero_pad(values: NDArray[_T], by: int) -> NDArray[_T]:
    """Return ``(h, w)`` with `by` zeros on each side: as `np.pad`, with less overhead."""
    height, width = values.shape
    wide = np.zeros((height + 2 * by, width + 2 * by), values.dtype)
    wide[by : by + height, by : by + width] = values
    return wide
