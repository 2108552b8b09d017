"""Reading order: which digits stand in one line, and which of them together as one number."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

PixelBox = tuple[int, int, int, int]  # top, left, bottom, right

_SHARED = 0.35  # of the lower digit's height that neighbours in a line have in common
_GAP = 0.9  # times the usual height of a line's digits: further apart are two numbers


def in_lines(boxes: Sequence[PixelBox]) -> list[list[int]]:
    """Return the places of boxes line by line from the top, each from left to right.

    A line may slope: a digit is compared with its neighbour, not with the line's beginning.
    """
    lines: list[list[int]] = []
    for place in sorted(range(len(boxes)), key=lambda i: boxes[i][1]):
        shared = [_shared(boxes[line[-1]], boxes[place]) for line in lines]
        best = int(np.argmax(shared)) if shared else -1
        if best >= 0 and shared[best] >= _SHARED:
            lines[best].append(place)
        else:
            lines.append([place])
    return sorted(lines, key=lambda line: float(np.mean([boxes[i][0] + boxes[i][2] for i in line])))


def in_numbers(line: Sequence[int], boxes: Sequence[PixelBox]) -> list[list[int]]:
    """Return a line's places in groups that stand together."""
    usual = float(np.median([boxes[i][2] - boxes[i][0] for i in line]))
    numbers = [[line[0]]]
    for before, place in pairwise(line):
        if boxes[place][1] - boxes[before][3] > _GAP * usual:
            numbers.append([])
        numbers[-1].append(place)
    return numbers


def _shared(one: PixelBox, other: PixelBox) -> float:
    """Return how much of the lower box's height two boxes have in common; negative for none."""
    common = min(one[2], other[2]) - max(one[0], other[0])
    return common / min(one[2] - one[0], other[2] - other[0])
