"""Boxes around ink, and paper around boxes; called for every digit, so each is quick."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two exclusive

_T = TypeVar("_T", bound=np.generic)


def bounds(mask: NDArray[np.bool_]) -> Box:
    """Return the box around what is set in a mask ``(h, w)``; zeros where nothing is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def padded(values: NDArray[_T], by: int) -> NDArray[_T]:
    """Return ``(h, w)`` with `by` zeros on each side: as `np.pad`, with less overhead."""
    height, width = values.shape
    wide = np.zeros((height + 2 * by, width + 2 * by), values.dtype)
    wide[by : by + height, by : by + width] = values
    return wide
