"""The lines of a page: which regions stand beside each other, and where a line's numbers end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inkfast.inference.numbers import GAP, NumberReading
from inkfast.inference.regions import Region, join_regions, strip_share_to_region

_MIN_SHARED = 0.35  # share of the lower region's height that neighbours in a line have in common


def group_lines(regions: Sequence[Region]) -> list[list[int]]:
    """Group regions into lines.

    A line may bend: a region is compared with its left neighbour, not with the line's beginning.

    Returns:
        Indices of the regions, line by line from the top, each line from left to right.
    """
    if not regions:
        return []
    x, y, heights = _levelled(regions)
    lines: list[list[int]] = []
    for index in np.argsort(x - np.array([one.width for one in regions]) / 2).tolist():
        shared = [_shared_height(y, heights, line[-1], index) for line in lines]
        best = int(np.argmax(shared)) if shared else -1
        if best >= 0 and shared[best] >= _MIN_SHARED:
            lines[best].append(index)
        else:
            lines.append([index])
    return sorted(lines, key=lambda line: float(np.mean(y[line])))


def split_at_gaps(region: Region, reading: NumberReading) -> list[Region]:
    """Return the region of each number that a reader found in a region."""
    gaps = [one for one in reading.characters[1:-1] if one.text == GAP]
    middles = [strip_share_to_region(region, (one.start + one.end) / 2) for one in gaps]
    cuts = [0.0, *np.clip(middles, 0, 1).tolist(), 1.0]
    return [region.part(start, end) for start, end in pairwise(cuts) if end > start]


def join_to_count(parts: Sequence[Region], count: int) -> list[Region]:
    """Join neighbouring parts of a line until at most `count` are left, the nearest first."""
    gaps = np.array([_gap(before, after) for before, after in pairwise(parts)])
    cuts = np.sort(np.argsort(-gaps, kind="stable")[: count - 1]) + 1
    groups = np.split(np.arange(len(parts)), cuts)
    return [
        join_regions([parts[i] for i in group]) if len(group) > 1 else parts[int(group[0])]
        for group in groups
    ]


def _levelled(regions: Sequence[Region]) -> tuple[NDArray[np.float64], ...]:
    """Return the middles, turned so that lines are level, and the heights of regions."""
    widths = np.array([one.width for one in regions])
    angles = np.array([one.angle for one in regions])
    order = np.argsort(angles)
    middle = np.searchsorted(np.cumsum(widths[order]), widths.sum() / 2)
    angle = angles[order][min(int(middle), len(regions) - 1)]
    points = np.array([[one.x, one.y] for one in regions])
    cos, sin = np.cos(angle), np.sin(angle)
    heights = np.array([one.height for one in regions])
    return points @ [cos, sin], points @ [-sin, cos], heights


def _shared_height(
    y: NDArray[np.float64], heights: NDArray[np.float64], one: int, other: int
) -> float:
    """Return the share of the lower region's height that both have in common; negative for none."""
    tops, bottoms = y - heights / 2, y + heights / 2
    common = min(bottoms[one], bottoms[other]) - max(tops[one], tops[other])
    return float(common / min(heights[one], heights[other]))


def _gap(before: Region, after: Region) -> float:
    return (
        float(np.hypot(after.x - before.x, after.y - before.y)) - (before.width + after.width) / 2
    )
