"""Regions of a page: oriented rectangles around numbers, and their strips of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.inference.finder_maps import GreyPage

PixelBox: TypeAlias = tuple[int, int, int, int]  # left, top, width, height
_ABOVE, _BESIDE = 0.1, 0.16  # paper around a number in its strip, in heights of the number
_STRIP_HEIGHT = 64  # pixels: a higher strip is averaged down to about this height


@dataclass(frozen=True)
class Region:
    """An oriented rectangle around a number, in pixels of an image.

    Attributes:
        x: Middle, from the left.
        y: Middle, from the top.
        width: Length along the line of writing.
        height: Height across it.
        angle: Slope of the line of writing in radians; positive if it falls to the right.
        confidence: How much it looks like a number, in [0, 1].
    """

    x: float
    y: float
    width: float
    height: float
    angle: float
    confidence: float

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit vectors ``(2, 2)``: along the line of writing, and down across it."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, sin], [-sin, cos]])

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners ``(4, 2)``: top left, then clockwise as the writing stands."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
        corners: NDArray[np.float64] = [self.x, self.y] + signs * [
            self.width,
            self.height,
        ] @ self.axes
        return corners

    @property
    def box(self) -> PixelBox:
        """The upright rectangle around it."""
        low, high = self.corners.min(axis=0), self.corners.max(axis=0)
        left, top, right, bottom = (round(float(side)) for side in (*low, *high))
        return left, top, max(1, right - left), max(1, bottom - top)

    def scaled(self, factor: float) -> Region:
        """Return the region on an image with sides `factor` times as long."""
        sides = {name: getattr(self, name) * factor for name in ("x", "y", "width", "height")}
        return replace(self, **sides)

    def covers(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which points ``(n, 2)`` lie in the region."""
        inner = np.abs((points - [self.x, self.y]) @ self.axes.T)
        return np.asarray((inner <= np.array([self.width, self.height]) / 2).all(axis=1))

    def overlap(self, other: Region) -> float:
        """Return the common share of the smaller of both areas, in [0, 1]; sampled."""
        small, large = sorted((self, other), key=lambda one: one.width * one.height)
        y, x = np.meshgrid(np.linspace(-0.45, 0.45, 7), np.linspace(-0.48, 0.48, 15))
        points = np.stack([x.ravel() * small.width, y.ravel() * small.height], axis=1)
        return float(large.covers(points @ small.axes + [small.x, small.y]).mean())

    def part(self, start: float, end: float) -> Region:
        """Return the part between two shares of its width, in [0, 1]."""
        x, y = np.array([self.x, self.y]) + self.axes[0] * ((start + end) / 2 - 0.5) * self.width
        return replace(self, x=float(x), y=float(y), width=(end - start) * self.width)


def clip_box(box: PixelBox, size: tuple[int, int]) -> PixelBox:
    """Return the part of a box inside an image of a width and height, at least one pixel of it."""
    left, right = (min(max(side, 0), size[0]) for side in (box[0], box[0] + box[2]))
    top, bottom = (min(max(side, 0), size[1]) for side in (box[1], box[1] + box[3]))
    left, top = min(left, size[0] - 1), min(top, size[1] - 1)
    return left, top, max(1, right - left), max(1, bottom - top)


def with_margin(region: Region) -> Region:
    """Return a region with the paper around it that its strip shows."""
    extra = 2 * region.height
    return replace(
        region, width=region.width + _BESIDE * extra, height=region.height + _ABOVE * extra
    )


def whole_page(size: tuple[int, int]) -> Region:
    """Return the region whose strip is a whole page of a width and height."""
    width, height = size
    high = height / (1 + 2 * _ABOVE)
    wide = max(1.0, width - 2 * _BESIDE * high)
    return Region(width / 2, height / 2, wide, high, 0.0, 0.0)


def strip_share_to_region(region: Region, share: float) -> float:
    """Return a share of a strip's width as a share of its region's, which has no margin."""
    margin = _BESIDE * region.height
    return float((share * (region.width + 2 * margin) - margin) / max(region.width, 1e-6))


def strip_columns(shape: tuple[int, ...], start: float, end: float) -> slice:
    """Return the columns of a strip that show a part of its region.

    Args:
        shape: Height and width of the strip, see `cut_strip`.
        start: Begin of the part as a share of the region's width, in [0, 1].
        end: End of the part likewise.
    """
    height, width = shape[:2]
    margin = _BESIDE * height / (1 + 2 * _ABOVE)
    left, right = (round(margin + share * (width - 2 * margin)) for share in (start, end))
    left = min(max(0, left), width - 1)
    return slice(left, max(left + 1, right))


def join_regions(regions: Sequence[Region]) -> Region:
    """Return one region around several of a line, at the slope of the line through them."""
    points = np.concatenate([one.corners for one in regions])
    first, last = min(regions, key=lambda r: r.x), max(regions, key=lambda r: r.x)
    widest = max(regions, key=lambda r: r.width)
    angle = widest.angle
    if last.x - first.x > widest.width:
        angle = float(np.arctan2(last.y - first.y, last.x - first.x))
    axes = replace(widest, angle=angle).axes
    low, high = (points @ axes.T).min(axis=0), (points @ axes.T).max(axis=0)
    x, y = (low + high) / 2 @ axes
    width, height = high - low
    confidence = min(one.confidence for one in regions)
    return Region(float(x), float(y), float(width), float(height), angle, confidence)


def cut_strip(page: Image.Image, region: Region) -> GreyPage:
    """Return the pixels of a region with some paper around it, its line of writing level.

    Beyond the page, the pixels of its edge are repeated.

    Args:
        page: Grey image, mode L.
        region: Region in pixels of the image.
    """
    wide = with_margin(region)
    low = np.floor(wide.corners.min(axis=0)).astype(int) - 2
    high = np.ceil(wide.corners.max(axis=0)).astype(int) + 2
    start, stop = np.maximum(low, 0), np.minimum(high, page.size)
    stop = np.maximum(stop, start + 1)
    window = page.crop((int(start[0]), int(start[1]), int(stop[0]), int(stop[1])))
    factor = max(1, int(wide.height // _STRIP_HEIGHT))
    if factor > 1:
        window = window.reduce(factor)
    pixels = np.asarray(window)
    before = np.maximum(0, -(-(start - low) // factor))
    after = np.maximum(0, -(-(high - stop) // factor))
    pixels = np.pad(pixels, ((before[1], after[1]), (before[0], after[0])), mode="edge")
    origin = start - before * factor
    size = max(4, round(wide.width / factor)), max(4, round(wide.height / factor))
    across = wide.axes[0] * wide.width / factor / size[0]
    down = wide.axes[1] * wide.height / factor / size[1]
    corner = (wide.corners[0] - origin) / factor
    matrix = (across[0], down[0], corner[0], across[1], down[1], corner[1])
    strip = Image.fromarray(pixels).transform(
        size, Image.Transform.AFFINE, tuple(map(float, matrix)), Image.Resampling.BILINEAR
    )
    return np.asarray(strip)
