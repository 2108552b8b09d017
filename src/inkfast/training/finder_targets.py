"""Targets of a finder of numbers: maps drawn from the rectangles of a composed page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from inkfast.inference.finder_maps import CORE_SHARE, HEIGHTS, STRIDE

NUMBER, OTHER, IGNORED = 0, 1, 2  # kinds of rectangles
_TOLERANCE = 1.25  # heights this factor beyond the limits may be found or not
_NEAR_SHARE = 0.8  # share of their height that such rectangles are ignored in


@dataclass(frozen=True)
class FinderTarget:
    """Targets of one page, float32 ``(h / 4, w / 4)`` each.

    Attributes:
        core: 1 in the cores of numbers, else 0.
        other: 1 in the cores of words, print and scribbles, else 0.
        height: Logarithm of the number's height in pixels, within cores.
        angle: Sine of the number's slope, within cores.
        weight: Weight of a cell in the loss, 0 or 1.
    """

    core: NDArray[np.float32]
    other: NDArray[np.float32]
    height: NDArray[np.float32]
    angle: NDArray[np.float32]
    weight: NDArray[np.float32]

    def stack(self) -> NDArray[np.float32]:
        """Return the five maps in this order as one array."""
        return np.stack([self.core, self.other, self.height, self.angle, self.weight])


def draw_target(
    size: tuple[int, int],
    quads: NDArray[np.floating],
    kinds: NDArray[np.integer],
    filled: tuple[int, ...],
) -> FinderTarget:
    """Draw the maps of a page.

    Args:
        size: Height and width of the maps in pixels of the page, multiples of 4.
        quads: Corners of rectangles, ``(n, 4, 2)`` in pixels.
        kinds: `NUMBER`, `OTHER` or `IGNORED` for each.
        filled: Height and width that the page fills of them; the rest has no weight.
    """
    canvas = _MapCanvas((size[1] // STRIDE, size[0] // STRIDE))
    for quad, kind in sorted(zip(quads, kinds, strict=True), key=lambda pair: -int(pair[1])):
        canvas.add(quad, int(kind))
    maps = canvas.arrays()
    maps["weight"][-(-filled[0] // STRIDE) :] = 0
    maps["weight"][:, -(-filled[1] // STRIDE) :] = 0
    return FinderTarget(**maps)


class _MapCanvas:
    """Maps on which rectangles are drawn, the ignored ones first."""

    def __init__(self, shape: tuple[int, int]) -> None:
        names = ("core", "other", "height", "angle", "weight")
        self.images = {name: Image.new("F", shape, float(name == "weight")) for name in names}
        self.draw = {name: ImageDraw.Draw(image) for name, image in self.images.items()}

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        return {name: np.array(image, np.float32) for name, image in self.images.items()}

    def add(self, quad: NDArray[np.floating], kind: int) -> None:
        low, high = HEIGHTS
        height = float(np.hypot(*(quad[3] - quad[0])))
        if kind == IGNORED:
            self._fill("weight", quad, 0.0)
        elif low <= height <= high:
            self._add_core(shrink_quad(quad, CORE_SHARE), kind, height)
        elif low / _TOLERANCE <= height <= high * _TOLERANCE:
            self._fill("weight", shrink_quad(quad, _NEAR_SHARE), 0.0)

    def _add_core(self, core: NDArray[np.floating], kind: int, height: float) -> None:
        along = core[1] - core[0]
        self._fill("weight", core, 1.0)
        self._fill("core", core, float(kind == NUMBER))
        self._fill("other", core, float(kind == OTHER))
        self._fill("height", core, float(np.log(height)))
        self._fill("angle", core, float(along[1] / max(np.hypot(*along), 1e-6)))

    def _fill(self, name: str, quad: NDArray[np.floating], value: float) -> None:
        cells = quad / STRIDE - 0.5
        self.draw[name].polygon([(float(x), float(y)) for x, y in cells], value)


def shrink_quad(quad: NDArray[np.floating], share: float) -> NDArray[np.floating]:
    """Return a rectangle whose height is a share of the given one's, about its middle line."""
    left, right = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    middle = np.stack([left, right, right, left])
    shrunk: NDArray[np.floating] = middle + share * (quad - middle)
    return shrunk
