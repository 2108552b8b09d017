"""The sheet of paper on a photograph that shows its desk as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.imaging.ink import Mask
from inkfast.imaging.opening import GreyImage, shrunk

Steps = NDArray[np.int32]

_WORK = 160  # pixels of the longer side where the sheet is sought
_INK = 0.12  # of the shorter side: strokes are narrower, and vanish
_LEVELS = 22  # of brightness, each of which may part the sheet from its desk
_SMALLEST, _LARGEST = 0.08, 0.97  # of the picture
_CONVEX = 0.95  # of its convex hull that a sheet fills
_BRIGHTER = 1.15  # times what lies beside it
_SHARP = 0.6  # of the step at its edge, made within four pixels: of a soft shadow's it is less
_RIM = 2  # pixels inside the edge, soft or dark, that are not looked at


def without_desk(picture: GreyImage) -> GreyImage | None:
    """Return the picture with all around its sheet painted like the paper nearest to it.

    A sheet is bright and convex, and ends sharply: the largest such part of the picture is taken.

    Args:
        picture: ``(h, w)`` in [0, 1].

    Returns:
        ``(h, w)``; None if there is no sheet, or nothing else.
    """
    from PIL import Image
    from scipy import ndimage

    small = shrunk(picture, _WORK)
    window = max(5, round(_INK * min(small.shape)))
    paper = ndimage.grey_closing(ndimage.median_filter(small, 3), size=(window, window))
    sheet = _sheet(paper)
    if sheet is None:
        return None
    nearest = ndimage.distance_transform_edt(~sheet, return_distances=False, return_indices=True)
    size = picture.shape[1], picture.shape[0]
    around = Image.fromarray(paper[tuple(nearest)]).resize(size, Image.Resampling.BILINEAR)
    inside = np.asarray(Image.fromarray(sheet).resize(size))
    return np.where(inside, picture, np.asarray(around))


def _sheet(paper: GreyImage) -> Mask | None:
    """Return where the sheet lies on a small picture without ink."""
    from scipy import ndimage

    for level in np.linspace(paper.min(), paper.max(), _LEVELS + 2)[1:-1]:
        labels, _ = ndimage.label(paper >= level)
        largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        sheet: Mask = ndimage.binary_fill_holes(labels == largest)
        # as binary_opening, in a fraction of its time
        sheet = ndimage.grey_opening(sheet.view(np.uint8), size=(5, 5), mode="constant").view(bool)
        fits = _SMALLEST <= sheet.mean() <= _LARGEST
        if fits and _is_convex(sheet) and _ends_sharply(paper, away := _away(sheet)):
            return away <= -_RIM
    return None


def _is_convex(sheet: Mask) -> bool:
    from scipy.spatial import ConvexHull

    rows = np.flatnonzero(sheet.any(axis=1))
    ends = sheet[rows].argmax(axis=1), sheet.shape[1] - sheet[rows, ::-1].argmax(axis=1)
    corners = [(rows + down, end) for down in (0, 1) for end in ends]
    return bool(sheet.sum() > _CONVEX * ConvexHull(np.hstack(corners).T).volume)


def _ends_sharply(paper: GreyImage, away: Steps) -> bool:
    """Return whether the picture is darker beside the sheet, and at once."""

    def between(inner: int, outer: int) -> float:
        ring = paper[(away > inner) & (away <= outer)]
        return float(np.median(ring)) if ring.size else 0.0

    inside, here, beside, outside = (between(at, at + 4) for at in (-10, -4, 0, 6))
    outside = outside or beside  # a strip of desk is too narrow for two rings
    return here > _BRIGHTER * beside and here - beside > _SHARP * (inside - outside)


def _away(sheet: Mask) -> Steps:
    """Return how many steps each pixel is outside the sheet; 0 and less inside."""
    from scipy import ndimage

    inside, outside = (
        ndimage.distance_transform_cdt(part, metric="taxicab") for part in (sheet, ~sheet)
    )
    return np.asarray(np.where(sheet, 1 - inside, outside))
