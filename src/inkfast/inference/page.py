"""Read a page: an image of one number or many, to numbers in reading order.

`open_page`, then `read_page`, which reads with a network of numbers or with one of single digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.imaging.documents import Document
from inkfast.imaging.opening import LoadedImage, open_image
from inkfast.inference.digit_page import read_digit_page
from inkfast.inference.number_page import read_number_page
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.reader import Reader

PAGE_LONGEST = 1600  # pixels of the longer side to which a page is scaled down, but
PAGE_SHORTEST = PAGE_LONGEST // 3  # a strip keeps such a shorter side, see `shrink`


def open_page(source: Path | bytes) -> LoadedImage:
    """Open an image of any size at the size at which `read_page` works.

    Raises:
        InkfastError: See `inkfast.imaging.opening.open_image`.
    """
    return open_image(source, PAGE_LONGEST, shortest=PAGE_SHORTEST)


def load_page(document: Document, number: int) -> LoadedImage:
    """Open a page of a document at the size at which `read_page` works.

    Raises:
        InkfastError: See `inkfast.imaging.documents.Document.load`.
    """
    return document.load(number, PAGE_LONGEST, PAGE_SHORTEST)


def read_document_page(
    document: Document, number: int, read_opened: Callable[[LoadedImage], Page]
) -> Page:
    """Return what is read on a page of a document; one that cannot be read has its error.

    Args:
        document: The document.
        number: Page of the document, from 1.
        read_opened: Function that reads an opened page, such as `read_page` with its reader.
    """
    try:
        image = load_page(document, number)
    except InkfastError as error:
        return Page((0, 0), (), number, error=str(error))
    try:
        return replace(read_opened(image), page=number)
    except InkfastError as error:
        return Page(image.size, (), number, error=f"{document.page_name(number)}: {error}")


def read_page(
    image: LoadedImage, reader: Reader | NumberReader, options: ReadOptions = NOTHING_KNOWN
) -> Page:
    """Find the numbers of an image and read them.

    Args:
        image: Image of any size; see `open_page`.
        reader: Reader of numbers, or of single digits.
        options: What is known about the numbers beforehand.

    Returns:
        The numbers line by line; none if nothing looks like a number.
    """
    if isinstance(reader, NumberReader):
        return read_number_page(image, reader, options)
    return read_digit_page(image, reader, options)
