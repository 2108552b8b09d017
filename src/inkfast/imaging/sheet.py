"""Find the sheet of paper on a photograph that shows the desk as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.imaging.boxes import Mask
from inkfast.imaging.opening import GreyImage, shrink

# Chosen by trial on drawn photographs of sheets on even and on grainy desks, and of pages half in
# shadow, which must not be taken for a sheet. None was fitted to labelled images.
_WORK_PIXELS = 160  # longer side of the image on which the sheet is sought
_STROKE = 0.12  # share of the shorter side: strokes are narrower and are closed before the search
_LEVELS = 22  # levels of brightness that are tried as the threshold between sheet and desk
_MIN_AREA, _MAX_AREA = 0.08, 0.97  # share of the image that a sheet covers
_MIN_CONVEXITY = 0.95  # share of its convex hull that a sheet fills
_MIN_BRIGHTER = 1.15  # brightness just inside the sheet's edge over that just outside
_MIN_SHARPNESS = 0.6  # share of the step in brightness made within 4 pixels; less at a soft shadow
_RIM = 2  # pixels inside the edge that are painted over too: they may be soft or dark


def isolate_sheet(grey: GreyImage) -> GreyImage | None:
    """Return the image with everything around its sheet painted like the paper nearest to it.

    The sheet is the largest bright, convex part of the image that ends sharply.

    Args:
        grey: Brightness ``(h, w)`` in [0, 1].

    Returns:
        Brightness ``(h, w)``; None if no sheet was found, or nothing but a sheet.
    """
    from scipy import ndimage

    small = shrink(grey, _WORK_PIXELS)
    window = max(5, round(_STROKE * min(small.shape)))
    paper = ndimage.grey_closing(ndimage.median_filter(small, 3), size=(window, window))
    sheet = _find_sheet(paper)
    if sheet is None:
        return None
    nearest = ndimage.distance_transform_edt(~sheet, return_distances=False, return_indices=True)
    size = grey.shape[1], grey.shape[0]
    around = Image.fromarray(paper[tuple(nearest)]).resize(size, Image.Resampling.BILINEAR)
    inside = np.asarray(Image.fromarray(sheet).resize(size))
    return np.where(inside, grey, np.asarray(around))


def _find_sheet(paper: GreyImage) -> Mask | None:
    """Return the mask of the sheet on a small image whose strokes were closed; None without one."""
    from scipy import ndimage

    for level in np.linspace(paper.min(), paper.max(), _LEVELS + 2)[1:-1]:
        labels, _ = ndimage.label(paper >= level)
        largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        sheet: Mask = ndimage.binary_fill_holes(labels == largest)
        # as binary_opening, in a fraction of its time
        sheet = ndimage.grey_opening(sheet.view(np.uint8), size=(5, 5), mode="constant").view(bool)
        if not _MIN_AREA <= sheet.mean() <= _MAX_AREA or not _is_convex(sheet):
            continue
        distances = _distances_outside(sheet)
        if _ends_sharply(paper, distances):
            return distances <= -_RIM
    return None


def _is_convex(sheet: Mask) -> bool:
    from scipy.spatial import ConvexHull

    rows = np.flatnonzero(sheet.any(axis=1))
    ends = sheet[rows].argmax(axis=1), sheet.shape[1] - sheet[rows, ::-1].argmax(axis=1)
    corners = [(rows + down, end) for down in (0, 1) for end in ends]
    return bool(sheet.sum() > _MIN_CONVEXITY * ConvexHull(np.hstack(corners).T).volume)


def _ends_sharply(paper: GreyImage, distances: NDArray[np.int32]) -> bool:
    """Return whether the image is darker just outside the sheet, within a few pixels.

    Args:
        paper: Brightness ``(h, w)``.
        distances: See `_distances_outside`.
    """

    def median_between(inner: int, outer: int) -> float:
        ring = paper[(distances > inner) & (distances <= outer)]
        return float(np.median(ring)) if ring.size else 0.0

    inside, here, beside, outside = (median_between(at, at + 4) for at in (-10, -4, 0, 6))
    outside = outside or beside  # a strip of desk is too narrow for two rings
    return here > _MIN_BRIGHTER * beside and here - beside > _MIN_SHARPNESS * (inside - outside)


def _distances_outside(sheet: Mask) -> NDArray[np.int32]:
    """Return each pixel's city-block distance from the sheet; 0 and negative inside it."""
    from scipy import ndimage

    inside, outside = (
        ndimage.distance_transform_cdt(part, metric="taxicab") for part in (sheet, ~sheet)
    )
    return np.asarray(np.where(sheet, 1 - inside, outside))
