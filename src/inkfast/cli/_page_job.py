"""What `inkfast read` does with each page: read it, draw it, count its numbers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from inkfast.cli._status import StatusLine, count_of
from inkfast.core.errors import InkfastError
from inkfast.core.io import write_bytes
from inkfast.imaging.opening import LoadedImage, encode_png
from inkfast.inference.drawing import draw_review
from inkfast.inference.overlay import draw_overlay
from inkfast.inference.page import open_page, read_page
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Reader
from inkfast.inference.results import file_stem, one_line
from inkfast.inference.tables import read_tables


@dataclass
class PageJob:
    """Reads photographs one by one, and counts what was found.

    Attributes:
        photos: Photographs by the name that their overlays and reviews have.
        reader: Reader of the digits.
        options: What is known about the numbers beforehand.
        tables: Whether the cells of ruled tables are read, and nothing else.
        overlays: Folder of overlays, or None.
        reviews: Folder of the unsure numbers, or None.
        counts: Numbers, unsure numbers, failed files and marks left out so far.
    """

    photos: dict[str, Path]
    reader: Reader
    options: ReadOptions
    tables: bool
    overlays: Path | None
    reviews: Path | None
    counts: Counter[str] = field(default_factory=Counter)

    def pages(self) -> Iterator[tuple[Path, Page]]:
        """Yield each photograph with the page read from it, and write its overlay and reviews."""
        status = StatusLine(sys.stderr, len(self.photos))
        for name, photo in self.photos.items():
            status.show(one_line(str(photo)))
            try:
                photograph = open_page(photo)
                page = self._read(photo, photograph)
            except InkfastError as error:
                self.counts["failed"] += 1
                status.write(f"inkfast: {one_line(str(error))}")
                continue
            self._count(page)
            self._write_images(photograph.rgb, page, name)
            if page.too_small:
                status.write(f"inkfast: {one_line(str(photo))}: {page.too_small}")
            status.clear()
            yield photo, page

    def _read(self, photo: Path, photograph: LoadedImage) -> Page:
        if not self.tables:
            return read_page(photograph, self.reader, self.options)
        try:
            return read_tables(photograph, self.reader, self.options)
        except InkfastError as error:
            raise InkfastError(f"{photo}: {error}") from None

    def _count(self, page: Page) -> None:
        self.counts["numbers"] += len(page.numbers)
        self.counts["unsure"] += sum(bool(number.unsure) for number in page.numbers)
        self.counts["left out"] += page.left_out

    def _write_images(self, image: Image.Image, page: Page, name: str) -> None:
        """Write the overlay of a photograph, and one image for each of its unsure numbers."""
        if self.overlays:
            write_bytes(overlay_path(self.overlays, name), encode_png(draw_overlay(image, page)))
        for number in page.numbers:
            if self.reviews and number.unsure:
                file = f"{name}-{number.number:03}-maybe-{file_stem(number.text)}.png"
                write_bytes(self.reviews / file, encode_png(draw_review(image, page, number)))

    def summary(self) -> str:
        """Return how much was found, was unsure, failed and was left out, as one line."""
        numbers, failed = count_of(self.counts["numbers"], "number"), self.counts["failed"]
        left_out = count_of(self.counts["left out"], "mark")
        return (
            f"{numbers}, {self.counts['unsure']:,} unsure, {count_of(failed, 'file')} failed, "
            f"{left_out} left out"
        )

    def exit_code(self) -> int:
        """Return 0 if every file was read, 1 if some failed, 2 if all did."""
        failed = self.counts["failed"]
        return 0 if not failed else 1 if failed < len(self.photos) else 2


def overlay_path(folder: Path, name: str) -> Path:
    """Return the path of a photograph's overlay."""
    return folder / f"{name}-read.png"
