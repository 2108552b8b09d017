"""The pages of the images and documents in a request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError, MissingExtraError
from inkfast.imaging.documents import Document, open_document
from inkfast.imaging.file_kind import HEAD_BYTES, file_kind
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.page_selection import PageSelection
from inkfast.inference.inputs import load_page_content
from inkfast.inference.quality import QualityCheck
from inkfast.inference.single_digit import digit_views
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.multipart import RequestFile


@dataclass(frozen=True)
class RequestPage:
    """An image of a request, or a page of a document.

    Attributes:
        file: Name of the file.
        content: Content of the file.
        number: Page of the file, from 1.
        document: The document of the page; None for an image file.
        warning: What of the file is not read; "" if all of it is.
    """

    file: str
    content: bytes
    number: int = 1
    document: Document | None = None
    warning: str = ""


async def list_request_pages(
    dispatcher: Dispatcher, files: list[RequestFile], text: str | None, limits: Limits
) -> list[RequestPage]:
    """Return the images and pages of a request's files, in order.

    Args:
        dispatcher: Queue in which documents are opened.
        files: Files of the request.
        text: Pages of each file that are read, see `PageSelection.parse`; None for all.
        limits: How many pages a request may have.

    Raises:
        Refused: If there are too many pages, or a package is not installed.
        InkfastError: If a document cannot be opened, or lacks the selected pages.
    """
    selection = PageSelection.parse(text, limits.pages)
    found: list[RequestPage] = []
    for file in files:
        if is_plain(file.content):
            selection.choose(1, file.name)
            found.append(RequestPage(file.name, file.content))
        else:
            found += await dispatcher.large.submit(partial(_document_pages, file, selection))
        if len(found) > limits.pages:
            raise Refused(
                413,
                f"Expected at most {limits.pages} images and pages in a request, got more. Choose "
                "some with `pages`, or send fewer files.",
            )
    return found


def is_plain(content: bytes) -> bool:
    """Return whether a file holds one image, and so need not be opened to count its pages."""
    return file_kind(content[:HEAD_BYTES]) in ("image", "")


def first_page(content: bytes) -> tuple[bytes, str]:
    """Return the first page of a file as the content of an image file, and what is left out.

    Raises:
        Refused: If a package is not installed.
        InkfastError: If the document or its first page cannot be opened.
    """
    document = _open_document(content, "the file")
    warning = document.note
    if document.count > 1:
        warning = f"Of {document.count:,} pages, the first is read."
    elif document.kind not in ("pdf", "heif"):
        return content, warning
    return load_page_content(document, 1), warning


def _open_document(content: bytes, name: str) -> Document:
    try:
        return open_document(content, name)
    except MissingExtraError as error:
        raise Refused(501, str(error)) from None


def _document_pages(file: RequestFile, selection: PageSelection) -> list[RequestPage]:
    document = _open_document(file.content, file.name)
    numbers = selection.choose(document.count, file.name)
    beyond = selection.beyond(document.count, file.name)
    warning = " ".join(filter(None, (document.note, beyond)))
    if document.count == 1 and document.kind not in ("pdf", "heif"):
        return [RequestPage(file.name, file.content, warning=warning)]
    return [RequestPage(file.name, file.content, one, document, warning) for one in numbers]


def load_page_views(document: Document, number: int) -> tuple[Images, QualityCheck]:
    """Return the views of the digit on a page, see `digit_views`, and its quality check."""
    return digit_views(document.load(number, DIGIT_PIXELS).grey)


class PageDeadline:
    """The time after which no further page of a request is read.

    Args:
        limits: How long a request may take.
    """

    def __init__(self, limits: Limits) -> None:
        self._seconds = limits.document_seconds
        self._end = time.monotonic() + self._seconds

    def check(self, page: RequestPage) -> None:
        """Raise an `InkfastError` for a page of a document if the time is over."""
        if page.document and time.monotonic() > self._end:
            raise InkfastError(
                f"{page.document.page_name(page.number)}: not read, since the request took longer "
                f"than {self._seconds:g} seconds. Choose fewer pages with `pages`."
            )
