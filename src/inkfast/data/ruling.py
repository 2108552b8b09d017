"""Ruled and squared paper: lines that cross a picture are taken out, strokes that cross them stay.

As staff lines are taken out of scores: of each line those pixels go where no stroke goes through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_MANY = 3  # parallel lines are ruling even where they end inside the picture, over _LONG of it
_LONG = 0.6
_SLENDER = 0.06  # of its length that a line may be wide
_SHORTEST = 40  # pixels; in smaller pictures strokes are as long


def without_lines(mask: Mask) -> Mask:
    """Return the ink ``(h, w)`` without ruled lines, level or upright, tilted by a little."""
    level = _lines(mask, fewest=1)
    upright = _lines(mask.T, fewest=_MANY).T  # one upright line may be a one
    return mask & ~_apart(mask, level) & ~_apart(mask.T, upright.T).T


def _lines(mask: Mask, fewest: int) -> Mask:
    """Return the pixels of level lines; fewer than `_MANY` must go from edge to edge."""
    from scipy import ndimage

    width = mask.shape[1]
    run = max(8, width // 50)
    runs = ndimage.binary_opening(mask, np.ones((1, run)))
    joined = ndimage.binary_dilation(runs, np.ones((3, run)))
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    if not count:
        return runs
    labels *= runs
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    spans = [box[1] for box in ndimage.find_objects(labels)]
    lengths = np.array([span.stop - span.start for span in spans])
    lines = (lengths > max(_SHORTEST, _LONG * width)) & (areas < _SLENDER * lengths**2)
    if lines.sum() < _MANY:
        lines &= lengths > width - 4
    if lines.sum() < fewest:
        return np.zeros_like(mask)
    found: Mask = np.isin(labels, 1 + np.flatnonzero(lines))
    return found


def _apart(mask: Mask, lines: Mask) -> Mask:
    """Return the pixels of level lines, and their ragged edges, through which no stroke goes."""
    from scipy import ndimage

    if not lines.any():
        return lines
    outline = lines & ~ndimage.binary_erosion(lines, np.ones((3, 1)))
    thickness = 2 * lines.sum() / max(1, outline.sum())
    around = mask & ndimage.binary_dilation(lines, np.ones((3, 1)), iterations=2)
    through = ndimage.binary_opening(mask, np.ones((int(1.5 * thickness) + 3, 1)))
    return around & ~through
