"""Read a page: an image of one number or many, to numbers in reading order.

`open_page`, then `read_page`, which reads with a network of numbers or with one of single digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inkfast.core.errors import InkfastError, unknown_name
from inkfast.imaging.documents import Document
from inkfast.imaging.opening import LoadedImage, open_image
from inkfast.inference.digit_page import read_digit_page
from inkfast.inference.number_network import NotNumbersError
from inkfast.inference.number_page import read_number_page
from inkfast.inference.number_reader import DEFAULT_NUMBER_MODEL, NUMBERS_FOLDER, NumberReader
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.reader import Reader, shipped_names

DEFAULT_PAGE_MODEL = DEFAULT_NUMBER_MODEL
PAGE_LONGEST = 1600  # pixels of the longer side to which a page is scaled down, but
PAGE_SHORTEST = PAGE_LONGEST // 3  # a strip keeps such a shorter side, see `shrink`


def page_model_names() -> list[str]:
    """Return the names of the shipped networks that read pages: of numbers, and of digits."""
    return [*shipped_names(NUMBERS_FOLDER), *shipped_names()]


def open_page_reader(
    model: str = DEFAULT_PAGE_MODEL,
    max_error: float | None = None,
    threads: int = 0,
    onnx_format: str = "",
) -> Reader | NumberReader:
    """Open a network that reads pages: one that reads numbers, or one of single digits.

    Args:
        model: Name of a shipped network, see `page_model_names`, or path of an .onnx file.
        max_error: Largest share of errors among what is sure, in (0, 1); the share that the file
            was exported with by default.
        threads: Threads of a call; 0 for all cores.
        onnx_format: How a network of single digits by another tool takes pixels and what it
            returns, see `inkfast.inference.onnx_format`.

    Raises:
        InkfastError: If there is no such model, its file was changed, it guarantees no share of
            errors as small as `max_error`, or it is not of the format.
    """
    if model in shipped_names() or onnx_format:
        return Reader.open(model, max_error, threads, onnx_format)
    if not model.lower().endswith(".onnx") and model not in shipped_names(NUMBERS_FOLDER):
        raise unknown_name("shipped network", model, page_model_names())
    try:
        return NumberReader.open(model, max_error, threads)
    except NotNumbersError:
        return Reader.open(model, max_error, threads)


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
