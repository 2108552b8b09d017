"""The image of an answer: a cut of its page with the surroundings, and what the network saw.

Pages are opened again from the files that the answers name; the last ones are kept.
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.documents import open_document
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import LoadedImage, open_image, shrink_image
from inkfast.inference.answers_table import AnswerRow
from inkfast.inference.corrections import box_of, page_of, slope_of, turn_of
from inkfast.inference.overlay import turn_upright
from inkfast.inference.page import PAGE_LONGEST, PAGE_SHORTEST
from inkfast.inference.page_result import PixelBox
from inkfast.inference.regions import Region, cut_strip
from inkfast.inference.single_digit import digit_views
from inkfast.inference.table_inputs import TABLE_READERS

PAGE_PIXELS = 3200  # longer side at which pages are opened to be looked at; about an A4 at 270 dpi
_BESIDE, _ABOVE = 2.5, 1.5  # surroundings of a number on either side, in heights of its box
_SHOWN = 900  # pixels of the longer side of a cut; a page shows it no larger
_PAGES_KEPT = 4  # opened pages, of up to 31 MB each
_STEEPEST = 40.0  # degrees; at 45 a box does not tell length and height of its region


@dataclass(frozen=True)
class AnswerImage:
    """The image of an answer.

    Attributes:
        cut: The answer in its surroundings, or the whole image of one digit; mode RGB.
        box: Box of the answer on the cut; None if the answer is about all of it.
        seen: What the network saw, mode L.
    """

    cut: Image.Image
    box: PixelBox | None
    seen: Image.Image


class AnswerImages:
    """Opens the images of answers; may be used by several threads.

    Args:
        folder: Folder of the answers, from which paths are tried that do not lead anywhere.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: OrderedDict[tuple[str, int, int], LoadedImage] = OrderedDict()
        self._tables: dict[str, list[Any]] = {}
        self._lock = Lock()

    def of(self, row: AnswerRow) -> AnswerImage:
        """Return the image of a row of answers.

        Raises:
            InkfastError: If it cannot be opened any more.
        """
        box = box_of(row)
        with self._lock:
            page = self._page(row["file"], page_of(row), PAGE_PIXELS if box else DIGIT_PIXELS)
        return _digit_image(page) if box is None else _number_image(page, row, box)

    def _page(self, file: str, number: int, longest: int) -> LoadedImage:
        key = file, number, longest
        page = self._pages.pop(key, None) or self._open(*key)
        self._pages[key] = page
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        return page

    def _open(self, file: str, number: int, longest: int) -> LoadedImage:
        """Open an image, a page of a document, a member of an archive or a row of a table."""
        table, _, row = file.rpartition("#")
        if row.isdigit() and Path(table).suffix.lower() in TABLE_READERS:
            return self._table_row(table, int(row), longest)
        archive, found, member = file.partition(".zip/")
        path = self._find(archive + ".zip" if found else file)
        source = _archive_member(path, member) if found and path.is_file() else self._find(file)
        return open_document(source, file).load(number, longest)

    def _find(self, file: str) -> Path:
        """Return the path of a file: as it is given, or from the folder of the answers."""
        given = Path(file).expanduser()
        return (
            given
            if given.exists() or given.is_absolute()
            else _given_or_beside(given, self._folder)
        )

    def _table_row(self, table: str, row: int, longest: int) -> LoadedImage:
        """Return a row of a table of images, which is read once."""
        if table not in self._tables:
            path = self._find(table)
            self._tables[table] = list(TABLE_READERS[path.suffix.lower()](path))
        rows = self._tables[table]
        if not 0 < row <= len(rows):
            raise InkfastError(f"{table} has {len(rows):,} rows now, and no row {row:,}.")
        content = rows[row - 1]
        if isinstance(content, InkfastError):
            raise content
        if isinstance(content, bytes):
            return open_image(content, longest, f"{table}#{row}")
        return LoadedImage(Image.fromarray(content), content.shape[::-1])


def _given_or_beside(given: Path, folder: Path) -> Path:
    beside = folder / given
    return beside if beside.exists() else given


def _archive_member(path: Path, member: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(member)
    except Exception as error:  # damaged, encrypted or without this member
        raise InkfastError(f"{path}/{member}: cannot be read from its archive ({error}).") from None


def _digit_image(page: LoadedImage) -> AnswerImage:
    """Return an image of one digit: all of it, and its digit at 28x28."""
    try:
        seen = digit_views(page.grey)[0][0]
    except NoInkError:
        seen = np.zeros((28, 28), np.uint8)
    return AnswerImage(shrink_image(page.rgb, _SHOWN), None, Image.fromarray(seen))


def _number_image(page: LoadedImage, row: AnswerRow, box: PixelBox) -> AnswerImage:
    """Return the cut around a box of a page, and the strip of its region."""
    turned = turn_of(row)
    whole = turn_upright(page.rgb, turned)
    scale = whole.width / (page.size[1] if turned % 180 else page.size[0])
    left, top, width, height = (side * scale for side in box)
    if left >= whole.width or top >= whole.height:
        raise InkfastError(
            f"{row['file']}: the box lies outside of the image, which was changed since it was "
            "read. Read it again."
        )
    beside, above = _BESIDE * height, _ABOVE * height
    start = max(0, round(left - beside)), max(0, round(top - above))
    stop = (
        min(whole.width, round(left + width + beside)),
        min(whole.height, round(top + height + above)),
    )
    cut = shrink_image(whole.crop((*start, *stop)), _SHOWN)
    ratio = cut.width / (stop[0] - start[0])
    sides = (left - start[0], top - start[1], width, height)
    left, top, width, height = (round(ratio * side) for side in sides)
    return AnswerImage(cut, (left, top, width, height), _strip(whole, box, scale, slope_of(row)))


def _strip(whole: Image.Image, box: PixelBox, scale: float, slope: float) -> Image.Image:
    """Return what the network saw of a box: the strip of its region on the page at work."""
    grey = shrink_image(whole.convert("L"), PAGE_LONGEST, PAGE_SHORTEST)
    region = region_of(box, slope).scaled(scale * grey.width / whole.width)
    return Image.fromarray(cut_strip(grey, region))


def region_of(box: PixelBox, slope: float) -> Region:
    """Return the region of a number whose box and slope are known.

    Args:
        box: The upright rectangle around the region.
        slope: Degrees by which the line of writing falls to the right; one of more than 40 is taken
            as 0.
    """
    left, top, width, height = box
    angle = radians(slope) if abs(slope) <= _STEEPEST else 0.0
    # the box of a rectangle of length l and height h is l cos + h sin wide and l sin + h cos high
    along, across = cos(angle), abs(sin(angle))
    difference = along**2 - across**2
    long = max(1.0, (width * along - height * across) / difference)
    high = max(1.0, (height * along - width * across) / difference)
    return Region(left + width / 2, top + height / 2, long, high, angle, 1.0)
