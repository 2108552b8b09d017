"""Pages of PDF files as images, drawn by PDFium.

A scanned page is drawn at the resolution of its scan, any other at 300 dots per inch, within a
limit of pixels and of time.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from inkfast.core.errors import InkfastError, MissingExtraError, install_hint
from inkfast.imaging.opening import LoadedImage, shrink_image

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_POINTS = 72  # per inch: the unit of a PDF
_DOTS = 300  # per inch, the usual resolution of scans for reading
_MOST_PIXELS = 16_000_000  # of a drawn page: A4 at 300 dots per inch has 8.7 million
_SCAN_AREA = 0.5  # share of the page that an image covers if the page is a scan
_MOST_OBJECTS = 1000  # of a page that are looked at to tell whether it is a scan
MAX_SECONDS = 20.0  # to draw a page; chosen
_LOCK = threading.Lock()  # PDFium must not be called by two threads at once


def count_pdf_pages(source: Path | bytes, name: str) -> int:
    """Return the number of pages of a PDF file.

    Args:
        source: Path of a file, or a file's content.
        name: Name of the file in messages.

    Raises:
        InkfastError: If it needs a password, is damaged or empty, or pypdfium2 is not installed.
    """
    with _open_pdf(source, name) as document:
        return len(document)


def draw_pdf_page(
    source: Path | bytes, number: int, longest: int | None, shortest: int, name: str
) -> LoadedImage:
    """Draw a page of a PDF file.

    Args:
        source: Path of a file, or a file's content.
        number: Page of the file, from 1.
        longest: Largest length of the longer side, in pixels; None to keep the size.
        shortest: See `inkfast.imaging.opening.shrink`.
        name: Name of the page in messages.

    Raises:
        InkfastError: If the page is damaged, or takes longer than `MAX_SECONDS` to draw.
    """
    from pypdfium2 import PdfiumError  # an optional dependency

    with _open_pdf(source, name) as document:
        try:
            page = document[number - 1]
            image = _draw(page, _resolution(page), name)
        except (PdfiumError, ValueError) as error:
            if isinstance(error, InkfastError):
                raise
            raise InkfastError(
                f"{name}: the page is damaged and cannot be drawn. Scan or export it again."
            ) from None
    return LoadedImage(shrink_image(image, longest, shortest), image.size)


@contextmanager
def _open_pdf(source: Path | bytes, name: str) -> Iterator[PdfDocument]:
    try:
        import pypdfium2  # an optional dependency
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"{name}: PDF files need pypdfium2, which is not installed. Install what reads "
            f"documents too, {install_hint('documents')}"
        ) from None
    with _LOCK, source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        # PDFium keeps the last error when it opens a file without pages: now it is FPDF_ERR_FILE
        pypdfium2.raw.FPDF_LoadDocument(b"", None)
        try:
            document = pypdfium2.PdfDocument(file)
        except pypdfium2.PdfiumError as error:
            raise InkfastError(f"{name}: {_unopened_reason(error)}") from None
        try:
            yield document
        finally:
            document.close()


def _unopened_reason(error: Any) -> str:
    from pypdfium2 import raw  # an optional dependency

    if error.err_code == raw.FPDF_ERR_FILE:
        return "expected a PDF file with at least one page, got none."
    if error.err_code == raw.FPDF_ERR_PASSWORD:
        return "the PDF file is protected by a password. Save a copy without a password."
    if error.err_code == raw.FPDF_ERR_SECURITY:
        return "the PDF file is encrypted in an unknown way. Save a copy without encryption."
    return "the PDF file is damaged and cannot be opened. Save or scan it again."


def _resolution(page: PdfPage) -> float:
    """Return the pixels per point at which a page is drawn."""
    width, height = page.get_size()
    area = max(width * height, 1e-6)
    scan = _scan_pixels(page, area)
    dots = scan**0.5 / area**0.5 if scan else _DOTS / _POINTS
    return float(min(dots, (_MOST_PIXELS / area) ** 0.5))


def _scan_pixels(page: PdfPage, area: float) -> int:
    """Return the pixels of the page if it were all scan; 0 if it is no scan or has lines on it."""
    from pypdfium2 import raw  # an optional dependency

    scan = 0
    if raw.FPDFPage_GetAnnotCount(page):
        return 0
    for number, one in enumerate(page.get_objects(max_depth=1)):
        if one.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = one.get_bounds()
            covered = (right - left) * (top - bottom)
            if covered >= _SCAN_AREA * area:
                width, height = one.get_px_size()
                scan = max(scan, round(width * height * area / covered))
        elif one.type != raw.FPDF_PAGEOBJ_TEXT or number >= _MOST_OBJECTS:
            return 0
    return scan


def _draw(page: PdfPage, scale: float, name: str) -> Image.Image:
    """Draw a page in mode RGB on white."""
    from pypdfium2 import PdfBitmap, internal, raw  # an optional dependency

    width, height = (max(1, round(scale * side)) for side in page.get_size())
    bitmap = PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR, rev_byteorder=True)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    pause = raw.IFSDK_PAUSE(version=1)
    deadline = time.monotonic() + MAX_SECONDS
    internal.set_callback(pause, "NeedToPauseNow", lambda _: time.monotonic() > deadline)
    flags = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
    status = raw.FPDF_RenderPageBitmap_Start(bitmap, page, 0, 0, width, height, 0, flags, pause)
    raw.FPDF_RenderPage_Close(page)
    if status == raw.FPDF_RENDER_TOBECONTINUED:
        raise InkfastError(
            f"{name}: expected a page that is drawn within {MAX_SECONDS:g} seconds. Save it as an "
            "image."
        )
    image: Image.Image = bitmap.to_pil()  # a copy
    bitmap.close()
    if status == raw.FPDF_RENDER_FAILED or _lost_image(page, image):
        raise InkfastError(
            f"{name}: the page is damaged and cannot be drawn. Scan or export it again."
        )
    return image


def _lost_image(page: PdfPage, image: Image.Image) -> bool:
    """Return whether a page came out empty because an image on it cannot be decoded."""
    from pypdfium2 import PdfiumError, raw  # an optional dependency

    if image.convert("L").getextrema() != (255, 255):
        return False
    try:
        for one in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE]):
            one.get_bitmap().close()
    except PdfiumError:
        return True
    return False
