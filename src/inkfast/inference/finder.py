"""`NumberFinder`: finds handwritten numbers on an image of any size with a network.

The image is looked at in several sizes; in each, the network marks the cores of numbers of 8 to 100
pixels, and regions of all sizes are merged. Writing that is no number is marked as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inkfast.core.errors import InkfastError
from inkfast.inference.finder_maps import (
    CORE_SHARE,
    HEIGHTS,
    MAPS,
    STRIDE,
    normalize_page,
    pad_page,
)
from inkfast.inference.regions import Region

Cells: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows and columns

_BILINEAR = Image.Resampling.BILINEAR
_LONGER_SIDES = (1600, 640, 256, 96, 40)  # pixels; the network finds a tenfold range in each
_MAX_ENLARGED = 1.6  # an image is not enlarged more than this for any of them but the smallest
_LONG = 3  # times the shorter side: what is longer is a strip, whose shorter side decides its scale
_CORE = 0.5  # probability from which a cell belongs to a core
_SURE = 0.7  # greatest probability that the core of a number has at least
_NUMBER_SHARE = 0.4  # share of a region's probability from which it may be a number
_WIDTHS_PER_SPREAD = 3.46  # width of an evenly filled line by its standard deviation: sqrt(12)
_MAX_TURN = 0.3  # radians: a core's own direction that differs more is that of a blot
_MIN_ELONGATION = 3.0  # widths in heights from which a core's own direction is taken as its slope
_FAINT = 0.82  # share of the greatest confidence of a page's numbers; what is below it is no number
# Share of the numbers' median height below which a mark is a speck of paper: of 38 marks on 43
# photographs, 3 are left.
_SPECK = 0.5
_MAX_OVERLAP = 0.4  # share of the smaller of two regions from which only the better one is kept


@dataclass(frozen=True)
class FoundRegions:
    """What was found on an image, in its pixels.

    Attributes:
        numbers: Regions of numbers, the most confident first.
        others: Regions of writing that is no number.
    """

    numbers: list[Region]
    others: list[Region]


class NumberFinder:
    """A network that finds numbers.

    Args:
        content: Content of an ONNX file.
        threads: Threads of a call; 0 for all cores.
    """

    def __init__(self, content: bytes, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )

    def find(self, page: Image.Image) -> FoundRegions:
        """Find the numbers of a page.

        Args:
            page: Grey image, mode L, of any size.
        """
        numbers: list[Region] = []
        others: list[Region] = []
        side = min(max(page.size), _LONG * min(page.size))
        for longest in _sizes_at_work(side):
            factor = longest / side
            width, height = (max(8, round(side * factor)) for side in page.size)
            grey = np.asarray(page.resize((width, height), _BILINEAR, reducing_gap=2.0))
            maps = self.predict_maps(grey)
            found = find_regions(maps)
            numbers += [one.scaled(1 / factor) for one in found.numbers]
            others += [one.scaled(1 / factor) for one in found.others]
        numbers = drop_overlapping(numbers)
        known = _count_clear(numbers)
        kept = drop_overlapping(numbers + others, known)
        numbers = kept[:known]
        return FoundRegions(numbers, [one for one in kept[known:] if _is_mark(one, numbers)])

    def predict_maps(self, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps of an image at one size, ``(4, h / 4, w / 4)``: see `MAPS`.

        The first two are probabilities.
        """
        page = pad_page(normalize_page(grey))
        (maps,) = self._session.run(None, {"page": page[None, None]})
        rows, columns = (-(-side // STRIDE) for side in grey.shape)
        found: NDArray[np.float32] = maps[0, : len(MAPS), :rows, :columns]
        return found


@cache
def shipped_finder(threads: int = 0) -> NumberFinder:
    """Return the finder that inkfast ships.

    Raises:
        InkfastError: If its file is missing.
    """
    path = Path(__file__).parent / "shipped" / "finder" / "finder.onnx"
    try:
        return NumberFinder(path.read_bytes(), threads)
    except OSError as error:
        raise InkfastError(
            f"{path} cannot be read: {error.strerror}. Install inkfast again."
        ) from None


def _sizes_at_work(longest: int) -> list[int]:
    """Return the longer sides in which an image of a longer side is looked at."""
    sizes = [side for side in _LONGER_SIDES[:-1] if side <= longest * _MAX_ENLARGED]
    return [*sizes, _LONGER_SIDES[-1]]


def find_regions(maps: NDArray[np.float32]) -> FoundRegions:
    """Return the regions of numbers and of other writing, in pixels of the network's input.

    Writing that may be either counts as a number, about which its reader knows more; what is
    faint for a number counts as other writing.
    """
    core, other = maps[MAPS.index("core")], maps[MAPS.index("other")]
    numbers: list[Region] = []
    others: list[Region] = []
    written = np.minimum(core + other, 1)
    for cells in _connected(core):
        clear = core[cells].max() >= _SURE
        (numbers if clear else others).append(_fit_region(maps, core, cells))
        written[cells] = 0
    for cells in _connected(written):
        may_be_number = written[cells].max() >= _SURE and (
            core[cells].mean() > _NUMBER_SHARE * written[cells].mean()
        )
        (numbers if may_be_number else others).append(
            _fit_region(maps, core if may_be_number else other, cells)
        )
    return FoundRegions(*([one for one in kind if _is_legible(one)] for kind in (numbers, others)))


def _connected(probability: NDArray[np.float32]) -> Iterator[Cells]:
    """Yield the cells of each connected core."""
    labels, count = ndimage.label(probability > _CORE, np.ones((3, 3)))
    for label, window in enumerate(ndimage.find_objects(labels, count), start=1):
        y, x = np.nonzero(labels[window] == label)
        yield y + window[0].start, x + window[1].start


def _is_legible(region: Region) -> bool:
    """Return whether a region's height is one for which the network was trained."""
    return HEIGHTS[0] / 1.3 <= region.height <= HEIGHTS[1] * 1.3


def _fit_region(
    maps: NDArray[np.float32], probability: NDArray[np.float32], cells: Cells
) -> Region:
    """Return the rectangle of one core, which has its ends and the predicted height."""
    points = np.stack([cells[1] + 0.5, cells[0] + 0.5], axis=1) * STRIDE
    height, angle = (maps[MAPS.index(name)][cells] for name in ("height", "angle"))
    slope = float(np.arcsin(np.clip(np.mean(angle), -0.9, 0.9)))
    high = float(np.exp(np.mean(height)))
    own, spread = _direction(points)
    if _WIDTHS_PER_SPREAD * spread > _MIN_ELONGATION * high and abs(own - slope) < _MAX_TURN:
        slope = own
    axes = np.array([[np.cos(slope), np.sin(slope)], [-np.sin(slope), np.cos(slope)]])
    along, across = (points @ axes.T).T
    # cells that a core touches belong to it, so its sides are the middles of the outermost ones
    low, top = along.min(), across.min()
    wide, deep = max(along.max() - low, STRIDE), across.max() - top
    x, y = np.array([low + wide / 2, top + deep / 2]) @ axes
    # the core of a line that is not straight is deeper than its share of the height
    high = max(high, (1 - CORE_SHARE) * high + float(deep) - STRIDE / 2)
    confidence = float(probability[cells].mean())
    return Region(float(x), float(y), float(wide), high, slope, confidence)


def _direction(points: NDArray[np.float64]) -> tuple[float, float]:
    """Return the slope of points in radians, and their spread along it."""
    if len(points) < 3:
        return 0.0, 0.0
    values, vectors = np.linalg.eigh(np.cov(points.T))
    x, y = vectors[:, 1] * np.where(vectors[0, 1] < 0, -1, 1)
    return float(np.arctan2(y, x)), float(np.sqrt(max(values[1], 0)))


def drop_overlapping(regions: list[Region], keep: int = 0) -> list[Region]:
    """Return the regions without those that overlap a more confident one.

    Args:
        regions: Regions of all sizes.
        keep: Count of regions at the beginning that are kept whatever they overlap.
    """
    kept = regions[:keep]
    rest = sorted(regions[keep:], key=lambda one: -one.confidence)
    for one in rest:
        if all(_apart(one, other) or one.overlap(other) < _MAX_OVERLAP for other in kept):
            kept.append(one)
    return kept


def _count_clear(regions: list[Region]) -> int:
    """Return how many regions, the most confident first, are nearly as sure as the first one."""
    least = _FAINT * max((one.confidence for one in regions), default=0.0)
    return sum(one.confidence >= least for one in regions)


def _is_mark(region: Region, numbers: list[Region]) -> bool:
    """Return whether a region that is no number is writing: no speck, and no part of a number."""
    least = _SPECK * np.median([number.height for number in numbers]) if numbers else 0.0
    return bool(
        region.confidence >= _CORE
        and region.height >= least
        and not any(region.overlap(number) for number in numbers)
    )


def _apart(one: Region, other: Region) -> bool:
    reach = (np.hypot(one.width, one.height) + np.hypot(other.width, other.height)) / 2
    return bool(abs(one.x - other.x) > reach or abs(one.y - other.y) > reach)
