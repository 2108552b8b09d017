"""Documents for tests: PDF and TIFF files of drawn pages, whole and broken in several ways."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw


def drawn_page(place: int, size: tuple[int, int] = (120, 80)) -> Image.Image:
    """Return a white page with one black bar, whose left edge tells the page."""
    page = Image.new("L", size, 255)
    ImageDraw.Draw(page).rectangle((10 * place, 20, 10 * place + 5, 60), fill=0)
    return page


def place_of(grey: np.ndarray) -> int:
    """Return the place of the bar that `drawn_page` drew, whatever the page's resolution."""
    columns = np.flatnonzero(grey.min(axis=0) < 0.3)
    return round(columns[0] / grey.shape[1] * 12)


def pages_file(pages: Sequence[Image.Image], form: str, **options) -> bytes:
    """Return a file of several pages that Pillow writes."""
    file = io.BytesIO()
    first, *others = [page.copy() for page in pages]  # Pillow leaves settings on what it saves
    first.save(file, form, save_all=True, append_images=others, **options)
    return file.getvalue()


def torn_tiff(count: int, page: int, **options) -> bytes:
    """Return a TIFF file of some pages, one of whose pixels lie behind the end of the file."""
    pages = [drawn_page(place) for place in range(1, count + 1)]
    content = pages_file(pages, "TIFF", **options)
    return patched_tiff(content, page, 273, len(content) + 1000)


def patched_tiff(content: bytes, page: int, tag: int, value: int) -> bytes:
    """Return a TIFF file with another value of a page's tag; tag 0 is the offset of the next."""
    patched = bytearray(content)
    position = 4
    for _ in range(page):
        (offset,) = struct.unpack_from("<I", content, position)
        (entries,) = struct.unpack_from("<H", content, offset)
        position = offset + 2 + 12 * entries
    places = {
        struct.unpack_from("<H", content, at)[0]: at + 8 for at in range(offset + 2, position, 12)
    }
    struct.pack_into("<I", patched, places[tag] if tag else position, value)
    return bytes(patched)


def encrypted_pdf(content: bytes, user: str, owner: str) -> bytes:
    """Return a PDF file that opens with either of two passwords."""
    import pypdf

    writer = pypdf.PdfWriter(io.BytesIO(content))
    writer.encrypt(user, owner, algorithm="RC4-128")
    return _written(writer)


def blank_pdf(sizes: Sequence[tuple[float, float]]) -> bytes:
    """Return a PDF file of empty pages with these widths and heights in points."""
    import pypdf

    writer = pypdf.PdfWriter()
    for width, height in sizes:
        writer.add_blank_page(width, height)
    return _written(writer)


def pdf_with_content(content: bytes, size: tuple[float, float] = (595, 842)) -> bytes:
    """Return a PDF file of one page that draws by these operators."""
    import pypdf
    from pypdf.generic import DecodedStreamObject, NameObject

    writer = pypdf.PdfWriter()
    page = writer.add_blank_page(*size)
    stream = DecodedStreamObject()
    stream.set_data(content)
    page[NameObject("/Contents")] = writer._add_object(stream)
    return _written(writer)


def pdf_with_broken_scan(content: bytes, page: int) -> bytes:
    """Return a PDF file of scans, one of which cannot be decoded."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    (scan,) = writer.pages[page - 1]["/Resources"]["/XObject"].values()
    scan.get_object()._data = b"no JPEG"
    return _written(writer)


def _written(writer) -> bytes:
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()
