"""What `inkfast read` does with each page: read it, draw it, count its numbers."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from inkfast.cli._status import StatusLine, count_of
from inkfast.core.errors import InkfastError
from inkfast.core.io import write_bytes
from inkfast.imaging.documents import Document, open_document
from inkfast.imaging.opening import LoadedImage, encode_png
from inkfast.imaging.page_selection import PageSelection
from inkfast.inference.drawing import draw_review
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.overlay import draw_overlay
from inkfast.inference.page import load_page, read_page
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Reader
from inkfast.inference.results import file_stem, one_line
from inkfast.inference.tables import read_tables


@dataclass(frozen=True)
class FilePage:
    """A page that was read, and where it stands.

    Attributes:
        file: Path of its file.
        page: What was read on it.
        heading: Its name in text; "" if nothing else is read.
    """

    file: Path
    page: Page
    heading: str


@dataclass
class PageJob:
    """Reads photographs and documents page by page, and counts what was found.

    Attributes:
        photos: Files by the name that their overlays and reviews have.
        reader: Reader of numbers, or of single digits.
        options: What is known about the numbers beforehand.
        tables: Whether the cells of ruled tables are read, and nothing else.
        selection: Pages of each file that are read.
        overlays: Folder of overlays, or None.
        reviews: Folder of the unsure numbers, or None.
        counts: Pages, numbers, unsure numbers, failed files, failed pages of other files and marks
            left out so far.
        drift: Watches whether the reader's guarantee holds for the numbers.
    """

    photos: dict[str, Path]
    reader: Reader | NumberReader
    options: ReadOptions
    tables: bool
    selection: PageSelection
    overlays: Path | None
    reviews: Path | None
    counts: Counter[str] = field(default_factory=Counter)
    drift: DriftMonitor = field(init=False)

    def __post_init__(self) -> None:
        self.drift = DriftMonitor(self.reader)

    def pages(self) -> Iterator[FilePage]:
        """Yield each page with what was read on it, or why it failed; write overlay and reviews."""
        status = StatusLine(sys.stderr, len(self.photos))
        for name, photo in self.photos.items():
            status.show(one_line(str(photo)))
            try:
                document = open_document(photo)
                numbers = self.selection.choose(document.count, document.name)
            except InkfastError as error:
                self._fail("files", error, status)
                yield FilePage(photo, failed_page(error), "")
                continue
            beyond = self.selection.beyond(document.count, document.name)
            for note in filter(None, (document.note, beyond)):
                status.write(f"inkfast: {one_line(note)}")
            for number in numbers:
                page = self._read_page(document, number, name, status)
                status.clear()
                several = document.count > 1 or len(self.photos) > 1
                yield FilePage(photo, page, document.page_name(number) if several else "")

    def _read_page(self, document: Document, number: int, name: str, status: StatusLine) -> Page:
        """Return what is read on a page, or why it cannot be read."""
        try:
            image = load_page(document, number)
            page = replace(self._read(document.page_name(number), image), page=number)
        except InkfastError as error:
            self._fail("files" if document.count == 1 else "pages", error, status)
            return failed_page(error, number)
        self._count(page)
        self._write_images(image.rgb, page, page_stem(name, document, number))
        for note in filter(None, (page.turn_note, page.too_small)):
            status.write(f"inkfast: {one_line(document.page_name(number))}: {note}")
        return page

    def _fail(self, what: str, error: InkfastError, status: StatusLine) -> None:
        """Count a file or page that cannot be read, and say why."""
        self.counts[f"failed {what}"] += 1
        status.write(f"inkfast: {one_line(str(error))}")

    def _read(self, name: str, image: LoadedImage) -> Page:
        if not self.tables:
            return read_page(image, self.reader, self.options)
        try:
            return read_tables(image, self.reader, self.options)
        except InkfastError as error:
            raise InkfastError(f"{name}: {error}") from None

    def _count(self, page: Page) -> None:
        self.counts["pages"] += 1
        self.counts["numbers"] += len(page.numbers)
        self.counts["unsure"] += sum(bool(number.unsure) for number in page.numbers)
        self.counts["left out"] += page.left_out
        self.drift.add_page(page, self.options)

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
        counts = self.counts
        parts = [
            count_of(counts["numbers"], "number"),
            f"{counts['unsure']:,} unsure",
            f"{count_of(counts['failed files'], 'file')} failed",
            f"{count_of(counts['left out'], 'mark')} left out",
        ]
        if counts["failed pages"]:
            parts.insert(3, f"{count_of(counts['failed pages'], 'page')} failed")
        return ", ".join(parts)

    def exit_code(self) -> int:
        """Return 0 if every page was read, 1 if some failed, 2 if all did."""
        if not self.counts["failed files"] + self.counts["failed pages"]:
            return 0
        return 1 if self.counts["pages"] else 2


def failed_page(error: InkfastError, number: int = 1) -> Page:
    """Return a page that cannot be read."""
    return Page((0, 0), (), page=number, error=str(error))


def iter_overlays(
    folder: Path, photos: dict[str, Path], selection: PageSelection
) -> Iterator[Path]:
    """Yield the path of each overlay that will be written.

    Args:
        folder: Folder of the overlays.
        photos: Files by the name of their overlays.
        selection: Pages of each file that are read.
    """
    for name, photo in photos.items():
        try:
            document = open_document(photo)
            for number in selection.choose(document.count, document.name):
                yield overlay_path(folder, page_stem(name, document, number))
        except InkfastError:
            continue  # reported when it is read


def page_stem(name: str, document: Document, number: int) -> str:
    """Return the name of the files made from a page."""
    return name if document.count == 1 else f"{name}-page-{number}"


def overlay_path(folder: Path, name: str) -> Path:
    """Return the path of a page's overlay."""
    return folder / f"{name}-read.png"
