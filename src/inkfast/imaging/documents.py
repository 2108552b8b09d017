"""The pages of an image file or document, one at a time: PDF, TIFF, HEIC and plain images.

What a file is, its content tells and not its suffix. Pages are opened when they are asked for, so
a document of hundreds of pages takes the memory of one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.imaging.file_kind import HEAD_BYTES, FileKind, file_kind
from inkfast.imaging.opening import LoadedImage, count_frames, open_image
from inkfast.imaging.page_selection import ALL_PAGES, PageSelection
from inkfast.imaging.pdf import count_pdf_pages, draw_pdf_page
from inkfast.imaging.tiff_pages import list_tiff_pages

MAX_PIPE_BYTES = 64 << 20  # of a document from a pipe; a limit on memory, chosen


@dataclass(frozen=True)
class Document:
    """An image file or document, see `open_document`.

    Attributes:
        source: Path of the file, or its content.
        name: Name of the file in messages.
        kind: Kind of the file.
        count: Number of its pages; one more than can be found if a TIFF file is cut off.
        frames: Position of each page among the images of the file, from 0.
        note: Sentence about what is in the file and is no page; "" if there is nothing.
    """

    source: Path | bytes
    name: str
    kind: FileKind
    count: int = 1
    frames: tuple[int, ...] = (0,)
    note: str = ""

    def page_name(self, number: int) -> str:
        """Return the name of a page in messages."""
        return self.name if self.count == 1 else f"{self.name}, page {number}"

    def load(self, number: int, longest: int | None = None, shortest: int = 0) -> LoadedImage:
        """Open a page.

        Args:
            number: Page of the file, from 1.
            longest: Largest length of the longer side, in pixels; None to keep the size.
            shortest: See `inkfast.imaging.opening.shrink`.

        Raises:
            InkfastError: If the page is damaged; its message begins with `page_name`.
        """
        name = self.page_name(number)
        if self.kind == "pdf":
            return draw_pdf_page(self.source, number, longest, shortest, name)
        if number > len(self.frames):
            raise InkfastError(
                f"{name}: the file is cut off before this page, which is missing with any page "
                "after it. Scan or copy it again."
            )
        frame = self.frames[number - 1]
        return open_image(self.source, longest, name, shortest=shortest, frame=frame)


@dataclass(frozen=True)
class DocumentPage:
    """A page of a document.

    Attributes:
        number: Page of the file, from 1.
        image: The page; None if it cannot be opened.
        error: Why it cannot be opened; else "".
    """

    number: int
    image: LoadedImage | None
    error: str = ""


def open_document(source: Path | bytes, name: str = "") -> Document:
    """Return the pages of an image file or document, without decoding one.

    Args:
        source: Path of a file, or a file's content.
        name: Name of the file in messages; the path by default.

    Raises:
        InkfastError: If there is no such file, or no page of it can be read: it is an empty
            document, a PDF that is damaged or needs a password, or needs a package that is not
            installed.
    """
    name = name or (str(source) if isinstance(source, Path) else "the image")
    source = _read_pipe(source, name)
    head = source[:HEAD_BYTES] if isinstance(source, bytes) else _read(source, name, HEAD_BYTES)
    kind = file_kind(head)
    if kind == "pdf":
        return Document(source, name, kind, count_pdf_pages(source, name))
    if kind == "tiff":
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            pages = list_tiff_pages(file)
        count = len(pages.frames) + pages.torn
        if not count:
            raise InkfastError(f"{name}: expected a TIFF file with at least one page, got none.")
        return Document(source, name, kind, count, pages.frames)
    frames = count_frames(source, name) if kind in ("animation", "heif") else 1
    if kind == "heif":
        return Document(source, name, kind, frames, tuple(range(frames)))
    note = f"{name}: an animation of {frames} images, of which the first is read."
    return Document(source, name, kind, note=note if frames > 1 else "")


def iter_pages(
    source: Path | bytes,
    longest: int | None = None,
    name: str = "",
    *,
    shortest: int = 0,
    pages: PageSelection = ALL_PAGES,
) -> Iterator[DocumentPage]:
    """Yield the pages of a file; a page that cannot be opened does not end it.

    Args:
        source: Path of a file, or a file's content.
        longest: Largest length of a page's longer side, in pixels; None to keep the size.
        name: Name of the file in messages; the path by default.
        shortest: See `inkfast.imaging.opening.shrink`.
        pages: Pages to open.

    Raises:
        InkfastError: See `open_document` and `PageSelection.choose`.
    """
    document = open_document(source, name)
    for number in pages.choose(document.count, document.name):
        try:
            yield DocumentPage(number, document.load(number, longest, shortest))
        except InkfastError as error:
            yield DocumentPage(number, None, str(error))


def _read_pipe(source: Path | bytes, name: str) -> Path | bytes:
    """Return the content of what can be read only once, such as a pipe; a file as it is."""
    if isinstance(source, bytes) or source.is_file() or not source.exists():
        return source
    return _read(source, name, MAX_PIPE_BYTES)


def _read(source: Path, name: str, most: int) -> bytes:
    """Return the first bytes of a file."""
    try:
        with source.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise InkfastError(f"{name}: there is no such file. Check its path.") from None
    except OSError as error:
        raise InkfastError(
            f"{name}: expected an image, but {error.strerror}. Remove or replace it."
        ) from None
