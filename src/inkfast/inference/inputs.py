"""PATH -> a stream of pictures: files, folders, globs, zip archives, tables of pixels, stdin.

Nothing is read before it is asked for, and nothing is kept: a million pictures take no more memory
than a few.
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
from inkfast.imaging.opening import SUFFIXES
from inkfast.inference import table_inputs

MOST_BYTES = 64 << 20  # of one picture's file
Content: TypeAlias = bytes | Images  # a picture's file, or 28x28 pixels that need no decoding


@dataclass(frozen=True)
class InputItem:
    """One picture, before it is read.

    Attributes:
        source: Its path; in a table ``TABLE#ROW``, rows counted from 1.
        size: Bytes of it, as far as can be told without reading.
        load: Gives its content, or raises an `InkfastError` that begins with its source.
    """

    source: str
    size: int
    load: Callable[[], Content]

    @classmethod
    def broken(cls, source: str, error: InkfastError) -> InputItem:
        """Return what stands for a picture that cannot be had."""
        return cls(source, 0, partial(_raise, error))


def checked(paths: Iterable[str]) -> list[str]:
    """Return the paths, each of which names something that is there; patterns stay patterns.

    Raises:
        InkfastError: If one does not.
    """
    kept = [os.path.expanduser(path) for path in paths]
    for path in kept:
        if path != "-" and not os.path.exists(path) and not matches(path):
            raise InkfastError(f"{path}: there is no such file or folder, and no file matches it.")
    return kept


def iter_inputs(paths: Iterable[str]) -> Iterator[InputItem]:
    """Yield the pictures of all paths in their order, those of a folder sorted by name.

    Whatever cannot be opened is one broken picture, after which the others follow.
    """
    for path in paths:
        try:
            yield from _pictures(path)
        except InkfastError as error:
            yield InputItem.broken(path, error)
        except OSError as error:
            yield InputItem.broken(path, _unreadable(path, error))


def _pictures(path: str) -> Iterator[InputItem]:
    if path == "-":
        return iter([InputItem(path, 0, _standard_input)])
    if os.path.isdir(path):
        return _folder(path)
    if not os.path.exists(path) and (found := matches(path)):
        return iter_inputs(found)
    suffix = os.path.splitext(path)[1].lower()
    if suffix == ".zip":
        return _archive(path)
    if suffix in table_inputs.READERS:
        return _rows(path, table_inputs.READERS[suffix])
    return iter([_file(path)])


def matches(pattern: str) -> list[str]:
    """Return the files and folders that a pattern names, in order."""
    found = sorted(glob.glob(pattern, recursive=True))
    # `**` finds the files in a folder itself
    return [path for path in found if not os.path.isdir(path)] if "**" in pattern else found


def _file(path: str) -> InputItem:
    try:
        return InputItem(path, os.stat(path).st_size, partial(_content, path))
    except OSError as error:
        return InputItem.broken(path, _unreadable(path, error))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return _bounded(file.read(MOST_BYTES + 1), path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise InkfastError("-: expected a picture on standard input, which is closed.")
    return _bounded(sys.stdin.buffer.read(MOST_BYTES + 1), "-")


def _bounded(content: bytes, source: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise InkfastError(
            f"{source}: expected a picture of at most {MOST_BYTES >> 20} MB. Make it smaller."
        )
    return content


def _folder(path: str) -> Iterator[InputItem]:
    """Yield the pictures of a folder and the folders in it; links to folders are not followed."""
    # folders may lie in one another more deeply than functions may call themselves
    opened = [(path, iter(_entries(path)))]
    while opened:
        folder, entries = opened[-1]
        name, is_folder = next(entries, ("", False))
        inner = os.path.join(folder, name)
        if not name:
            opened.pop()
        elif not is_folder:
            yield _file(inner)
        else:
            try:
                opened.append((inner, iter(_entries(inner))))
            except OSError as error:
                yield InputItem.broken(inner, _unreadable(inner, error))


def _entries(folder: str) -> list[tuple[str, bool]]:
    """Return the names of a folder's pictures and folders, and which are folders, sorted."""
    with os.scandir(folder) as entries:
        # names alone, since an entry holds ten times as much; a pipe would be waited for for ever
        found = (
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in entries
            if not entry.name.startswith(".")
            and (entry.is_dir() or entry.is_file() or entry.is_symlink())
        )
        return sorted((name, is_dir) for name, is_dir in found if is_dir or _is_picture(name))


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _archive(path: str) -> Iterator[InputItem]:
    try:
        archive = zipfile.ZipFile(path)  # closed with the last of its pictures
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InkfastError(f"{path}: expected a zip archive of pictures ({error}).") from None
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        parts = member.filename.removeprefix("./").split("/")  # some write ./ before each name
        hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
        if not hidden and _is_picture(member.filename):
            source = f"{path}/{member.filename}"
            yield InputItem(source, member.file_size, partial(_member, archive, member, source))


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: str) -> bytes:
    try:
        with archive.open(member) as file:
            return _bounded(file.read(MOST_BYTES + 1), source)
    except (InkfastError, MemoryError):
        raise
    except Exception as error:  # damaged, encrypted, of an unknown method: each fails its own way
        raise InkfastError(f"{source}: cannot be taken out of its archive ({error}).") from None


def _rows(
    path: str, read: Callable[[Path], Iterator[Content | InkfastError]]
) -> Iterator[InputItem]:
    """Number the rows of a table; one that is broken does not end it."""
    for row, content in enumerate(read(Path(path)), start=1):
        source = f"{path}#{row}"
        if isinstance(content, InkfastError):
            yield InputItem.broken(source, content)
        else:
            size = len(content) if isinstance(content, bytes) else content.nbytes
            yield InputItem(source, size, partial(_same, content))


def _unreadable(path: str, error: OSError) -> InkfastError:
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return InkfastError(f"{path}: there is no such file. Check its path.")
    return InkfastError(f"{path}: expected a picture, but {reason}. Remove or replace it.")


def _same(content: Content) -> Content:
    return content


def _raise(error: InkfastError) -> NoReturn:
    raise error
