"""Iterate over input images: files, folders, globs, zip archives, tables of pixels, stdin.

Content is read only when it is asked for and never kept: a million images take no more memory than
a few.
"""

from __future__ import annotations

import glob
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeAlias

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError
from inkfast.imaging.opening import IMAGE_SUFFIXES
from inkfast.inference import table_inputs

MAX_IMAGE_BYTES = 64 << 20  # of one image file; a limit on memory, chosen
Content: TypeAlias = bytes | Images  # an image file, or uint8 (28, 28) with bright ink on dark


@dataclass(frozen=True)
class InputItem:
    """One input image that is not yet read.

    Attributes:
        source: Path of the image; ``TABLE#ROW`` in a table, rows counted from 1.
        size: Size in bytes, 0 if it is not known without reading.
        load: Function that returns the content, or raises an `InkfastError` whose message begins
            with the source.
    """

    source: str
    size: int
    load: Callable[[], Content]

    @classmethod
    def broken(cls, source: str, error: InkfastError) -> InputItem:
        """Return an input whose loading fails with an error."""
        return cls(source, 0, partial(_raise_error, error))


def check_paths(paths: Iterable[str]) -> list[str]:
    """Return the paths with ``~`` expanded; patterns stay patterns.

    Raises:
        InkfastError: If a path does not exist and no file matches it.
    """
    expanded = [os.path.expanduser(path) for path in paths]
    for path in expanded:
        if path != "-" and not os.path.exists(path) and not match_pattern(path):
            raise InkfastError(f"{path}: there is no such file or folder, and no file matches it.")
    return expanded


def iter_inputs(paths: Iterable[str]) -> Iterator[InputItem]:
    """Yield the images of all paths in order; those of a folder are sorted by name.

    A path that cannot be opened gives one broken input, and the others follow.
    """
    for path in paths:
        try:
            yield from _inputs_at(path)
        except InkfastError as error:
            yield InputItem.broken(path, error)
        except OSError as error:
            yield InputItem.broken(path, _unreadable_path(path, error))


def _inputs_at(path: str) -> Iterator[InputItem]:
    if path == "-":
        return iter([InputItem(path, 0, _read_stdin)])
    if os.path.isdir(path):
        return _folder_inputs(path)
    if not os.path.exists(path) and (found := match_pattern(path)):
        return iter_inputs(found)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".zip":
        return _archive_inputs(path)
    if suffix in table_inputs.TABLE_READERS:
        return _table_inputs(path, table_inputs.TABLE_READERS[suffix])
    return iter([_file_input(path)])


def match_pattern(pattern: str) -> list[str]:
    """Return the files and folders that match a pattern, sorted."""
    found = sorted(glob.glob(pattern, recursive=True))
    # `**` also matches the files inside the folders it matches
    return [path for path in found if not os.path.isdir(path)] if "**" in pattern else found


def _file_input(path: str) -> InputItem:
    try:
        return InputItem(path, os.stat(path).st_size, partial(_read_image_file, path))
    except OSError as error:
        return InputItem.broken(path, _unreadable_path(path, error))


def _read_image_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return _check_image_size(file.read(MAX_IMAGE_BYTES + 1), path)
    except OSError as error:
        raise _unreadable_path(path, error) from None


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


def _folder_inputs(path: str) -> Iterator[InputItem]:
    """Yield the images of a folder and its subfolders; links to folders are not followed."""
    # a stack, since folders may be nested more deeply than Python's recursion limit
    opened = [(path, iter(_folder_entries(path)))]
    while opened:
        folder, entries = opened[-1]
        name, is_folder = next(entries, ("", False))
        inner = os.path.join(folder, name)
        if not name:
            opened.pop()
        elif not is_folder:
            yield _file_input(inner)
        else:
            try:
                opened.append((inner, iter(_folder_entries(inner))))
            except OSError as error:
                yield InputItem.broken(inner, _unreadable_path(inner, error))


def _folder_entries(folder: str) -> list[tuple[str, bool]]:
    """Return the sorted names of a folder's images and subfolders, and whether each is a folder."""
    with os.scandir(folder) as entries:
        # names alone, since an entry takes ten times the memory; reading a pipe could block forever
        found = (
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in entries
            if not entry.name.startswith(".")
            and (entry.is_dir() or entry.is_file() or entry.is_symlink())
        )
        return sorted((name, is_dir) for name, is_dir in found if is_dir or _has_image_suffix(name))


def _has_image_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def _archive_inputs(path: str) -> Iterator[InputItem]:
    try:
        archive = zipfile.ZipFile(path)  # closed with the last of its images
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InkfastError(f"{path}: expected a zip archive of images ({error}).") from None
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        parts = member.filename.removeprefix("./").split(
            "/"
        )  # some programs write ./ before each name
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if not hidden and _has_image_suffix(member.filename):
            source = f"{path}/{member.filename}"
            yield InputItem(
                source, member.file_size, partial(_read_member, archive, member, source)
            )


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


def _unreadable_path(path: str, error: OSError) -> InkfastError:
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return InkfastError(f"{path}: there is no such file. Check its path.")
    return InkfastError(f"{path}: expected an image, but {reason}. Remove or replace it.")


def _given_content(content: Content) -> Content:
    return content


def _raise_error(error: InkfastError) -> NoReturn:
    raise error
