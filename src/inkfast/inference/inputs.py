"""Iterate over input images: files, pages of documents, folders, patterns, archives, tables, stdin.

Content is read only when it is asked for and never kept: a million images take no more memory than
a few.
"""

from __future__ import annotations

import os
import stat
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError
from inkfast.imaging.documents import Document, open_document
from inkfast.imaging.file_kind import HEAD_BYTES, FileKind, file_kind
from inkfast.imaging.normalization import DIGIT_PIXELS
from inkfast.imaging.opening import encode_png
from inkfast.imaging.page_selection import ALL_PAGES, PageSelection
from inkfast.inference import input_files, table_inputs
from inkfast.inference.input_files import LeftOut, unreadable_path

MAX_IMAGE_BYTES = 64 << 20  # of one image file; a limit on memory, chosen
_SINGLE = ("image", "")  # kinds of files that hold one image
Content: TypeAlias = bytes | Images  # an image file, or uint8 (28, 28) with bright ink on dark


@dataclass(frozen=True)
class InputItem:
    """One input image that is not yet read.

    Attributes:
        source: Path of the image; ``TABLE#ROW`` in a table, rows counted from 1.
        size: Size in bytes, 0 if it is not known without reading.
        load: Function that returns the content, or raises an `InkfastError` whose message begins
            with the source.
        page: Page of the file, from 1.
    """

    source: str
    size: int
    load: Callable[[], Content]
    page: int = 1

    @classmethod
    def broken(cls, source: str, error: InkfastError) -> InputItem:
        """Return an input whose loading fails with an error."""
        return cls(source, 0, partial(_raise_error, error))


def _say_nothing(_: str) -> None: ...


@dataclass(frozen=True)
class InputOptions:
    """How inputs are looked for.

    Attributes:
        pages: Pages of each file that are read.
        warn: Function that is called with a sentence about what is left out.
    """

    pages: PageSelection = ALL_PAGES
    warn: Callable[[str], None] = _say_nothing


def check_paths(paths: Iterable[str]) -> list[str]:
    """Return the paths with ``~`` expanded; patterns stay patterns.

    Raises:
        InkfastError: If a path does not exist and no file matches it.
    """
    expanded = [os.path.expanduser(path) for path in paths]
    for path in expanded:
        if path != "-" and not os.path.exists(path) and not input_files.match_pattern(path):
            raise InkfastError(f"{path}: there is no such file or folder, and no file matches it.")
    return expanded


def iter_inputs(
    paths: Iterable[str],
    options: InputOptions = InputOptions(),
) -> Iterator[InputItem]:
    """Yield the images of all paths in order; those of a folder are sorted by name.

    A path that cannot be opened gives one broken input, and the others follow.
    """
    for path in paths:
        try:
            yield from _inputs_at(path, options)
        except InkfastError as error:
            yield InputItem.broken(path, error)
        except OSError as error:
            yield InputItem.broken(path, unreadable_path(path, error))


def _inputs_at(path: str, options: InputOptions) -> Iterator[InputItem]:
    if path == "-":
        return _content_inputs(_read_stdin(), path, options)
    if os.path.isdir(path):
        return _folder_inputs(path, options)
    if not os.path.exists(path) and (found := input_files.match_pattern(path)):
        return iter_inputs(found, options)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".zip":
        return _archive_inputs(path, options)
    if suffix in table_inputs.TABLE_READERS:
        return _table_inputs(path, table_inputs.TABLE_READERS[suffix])
    return _file_inputs(path, options)


def _file_inputs(path: str, options: InputOptions) -> Iterator[InputItem]:
    """Yield an image, or the pages of a document; a broken file is one broken input."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe can be read once
            yield from _content_inputs(_read_image_file(path), path, options)
            return
        one = InputItem(path, status.st_size, partial(_read_image_file, path))
        kind = file_kind(input_files.read_head(path))
        yield from _page_inputs(one, kind, Path(path), options)
    except InkfastError as error:
        yield InputItem.broken(path, error)
    except OSError as error:
        yield InputItem.broken(path, unreadable_path(path, error))


def _content_inputs(content: bytes, source: str, options: InputOptions) -> Iterator[InputItem]:
    """Yield an image, or the pages of a document, from the content of its file."""
    one = InputItem(source, len(content), partial(_given_content, content))
    return _page_inputs(one, file_kind(content[:HEAD_BYTES]), content, options)


def _page_inputs(
    one: InputItem, kind: FileKind, file: Path | bytes, options: InputOptions
) -> Iterator[InputItem]:
    """Yield the pages of a file.

    Args:
        one: The file as a single image.
        kind: Kind of the file.
        file: Path or content of the file; not used for a kind that holds one image.
        options: Which pages are read.
    """
    if kind in _SINGLE:
        options.pages.choose(1, one.source)
        yield one
        return
    document = open_document(file, one.source)
    pages = options.pages.choose(document.count, document.name)
    for note in filter(None, (document.note, options.pages.beyond(document.count, document.name))):
        options.warn(note)
    if document.count == 1 and document.kind != "pdf":
        yield one
        return
    size = len(file) // len(pages) if isinstance(file, bytes) else 0
    for page in pages:
        yield InputItem(one.source, size, partial(load_page_content, document, page), page)


def load_page_content(document: Document, page: int) -> bytes:
    """Return a page of a document as the content of a PNG file, scaled down to `DIGIT_PIXELS`.

    Image files are scaled to it in one step as well, so that both are read alike.

    Raises:
        InkfastError: See `inkfast.imaging.documents.Document.load`.
    """
    loaded = document.load(page, DIGIT_PIXELS)
    return encode_png(loaded.image if loaded.image.mode in ("L", "RGB", "RGBA") else loaded.rgb)


def _read_image_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return _check_image_size(file.read(MAX_IMAGE_BYTES + 1), path)
    except OSError as error:
        raise unreadable_path(path, error) from None


def _read_stdin() -> bytes:
    if sys.stdin is None:
        raise InkfastError("-: expected an image on standard input, which is closed.")
    return _check_image_size(sys.stdin.buffer.read(MAX_IMAGE_BYTES + 1), "-")


def _check_image_size(content: bytes, source: str) -> bytes:
    if len(content) > MAX_IMAGE_BYTES:
        raise InkfastError(
            f"{source}: expected an image of at most {MAX_IMAGE_BYTES >> 20} MB. Make it smaller."
        )
    return content


def _folder_inputs(path: str, options: InputOptions) -> Iterator[InputItem]:
    """Yield the images and documents of a folder and its subfolders."""
    left_out = LeftOut()
    broken: list[InputItem] = []  # subfolders met on the way to the next file

    def failed(folder: str, error: OSError) -> None:
        broken.append(InputItem.broken(folder, unreadable_path(folder, error)))

    for file in input_files.iter_folder(path, left_out, failed):
        yield from broken
        broken.clear()
        yield from _file_inputs(file, options)
    yield from broken
    if sentence := left_out.sentence(path):
        options.warn(sentence)


def _archive_inputs(path: str, options: InputOptions) -> Iterator[InputItem]:
    try:
        archive = zipfile.ZipFile(path)  # closed with the last of its images
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InkfastError(f"{path}: expected a zip archive of images ({error}).") from None
    left_out = LeftOut()
    for member in input_files.iter_archive(archive, left_out):
        yield from _member_inputs(archive, member, f"{path}/{member.filename}", options)
    if sentence := left_out.sentence(path):
        options.warn(sentence)


def _member_inputs(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str, options: InputOptions
) -> Iterator[InputItem]:
    """Yield an image of an archive, or the pages of a document."""
    one = InputItem(source, member.file_size, partial(_read_member, archive, member, source))
    try:
        kind = input_files.member_kind(archive, member)
        if kind in _SINGLE:
            yield from _page_inputs(one, kind, b"", options)
        else:
            yield from _content_inputs(_read_member(archive, member, source), source, options)
    except InkfastError as error:
        yield InputItem.broken(source, error)


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str) -> bytes:
    try:
        with archive.open(member) as file:
            return _check_image_size(file.read(MAX_IMAGE_BYTES + 1), source)
    except (InkfastError, MemoryError):
        raise
    except Exception as error:  # damaged, encrypted or of an unknown method
        raise InkfastError(f"{source}: cannot be read from its archive ({error}).") from None


def _table_inputs(
    path: str, read: Callable[[Path], Iterator[Content | InkfastError]]
) -> Iterator[InputItem]:
    """Yield the rows of a table; a broken row does not end it."""
    for row, content in enumerate(read(Path(path)), start=1):
        source = f"{path}#{row}"
        if isinstance(content, InkfastError):
            yield InputItem.broken(source, content)
        else:
            size = len(content) if isinstance(content, bytes) else content.nbytes
            yield InputItem(source, size, partial(_given_content, content))


def _given_content(content: Content) -> Content:
    return content


def _raise_error(error: InkfastError) -> NoReturn:
    raise error
