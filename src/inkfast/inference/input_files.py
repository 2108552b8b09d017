"""The images and documents among files: of a folder, of a zip archive, of a pattern.

A file counts by its suffix or by its content; every other file is left out and named in one line.
"""

from __future__ import annotations

import glob
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from inkfast.core.errors import InkfastError
from inkfast.imaging.file_kind import HEAD_BYTES, FileKind, file_kind
from inkfast.imaging.opening import IMAGE_SUFFIXES

_NAMED = 3  # files left out that are named
_SUFFIXES = IMAGE_SUFFIXES | {".pdf"}


@dataclass
class LeftOut:
    """Counts the files of a folder or archive that are neither images nor documents.

    Attributes:
        count: Number of them.
        names: Names of the first.
    """

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a file."""
        self.count += 1
        if len(self.names) < _NAMED:
            self.names.append(name)

    def sentence(self, where: str) -> str:
        """Return which files of `where` are left out; "" for none."""
        if not self.count:
            return ""
        more = self.count - len(self.names)
        names = ", ".join(self.names) + (f" and {more:,} more" if more else "")
        files = "1 file is" if self.count == 1 else f"{self.count:,} files are"
        return f"{where}: {files} left out, neither an image nor a PDF: {names}"


def iter_folder(
    folder: str, left_out: LeftOut, failed: Callable[[str, OSError], None]
) -> Iterator[str]:
    """Yield the paths of a folder's images and documents, and of its subfolders, sorted.

    Links to folders are not followed; hidden files and folders are skipped.

    Args:
        folder: Path of the folder.
        left_out: Where other files are counted.
        failed: Function that is called with each subfolder that cannot be opened.

    Raises:
        OSError: If the folder cannot be opened.
    """
    # a stack, since folders may be nested more deeply than Python's recursion limit
    opened = [(folder, iter(_folder_entries(folder)))]
    while opened:
        outer, entries = opened[-1]
        name, is_folder = next(entries, ("", False))
        inner = os.path.join(outer, name)
        if not name:
            opened.pop()
        elif not is_folder:
            if is_input_file(inner):
                yield inner
            else:
                left_out.add(os.path.relpath(inner, folder))
        else:
            try:
                opened.append((inner, iter(_folder_entries(inner))))
            except OSError as error:
                failed(inner, error)


def _folder_entries(folder: str) -> list[tuple[str, bool]]:
    """Return the sorted names of a folder's files and subfolders, and whether each is a folder."""
    with os.scandir(folder) as entries:
        # names alone, since an entry takes ten times the memory; reading a pipe could block forever
        return sorted(
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in entries
            if not entry.name.startswith(".")
            and (entry.is_dir() or entry.is_file() or entry.is_symlink())
        )


def is_input_file(path: str) -> bool:
    """Return whether a file is an image or a document by its suffix or its content."""
    if _has_input_suffix(path):
        return not os.path.isdir(path)
    try:
        return os.path.isfile(path) and bool(file_kind(read_head(path)))
    except OSError:
        return False


def _has_input_suffix(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in _SUFFIXES


def read_head(path: str) -> bytes:
    """Return the first bytes of a file, from which `file_kind` tells its kind."""
    with open(path, "rb", buffering=0) as file:
        return file.read(HEAD_BYTES)


def iter_archive(archive: zipfile.ZipFile, left_out: LeftOut) -> Iterator[zipfile.ZipInfo]:
    """Yield the images and documents of a zip archive, sorted by name.

    Args:
        archive: Open archive.
        left_out: Where other members are counted, except for hidden ones.
    """
    for member in sorted(archive.infolist(), key=lambda member: member.filename):
        # some programs write ./ before each name
        parts = member.filename.removeprefix("./").split("/")
        if member.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        if _has_input_suffix(member.filename) or member_kind(archive, member):
            yield member
        else:
            left_out.add(member.filename)


def member_kind(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> FileKind:
    """Return the kind of a member of an archive; "" if it cannot be read."""
    try:
        with archive.open(member) as file:
            return file_kind(file.read(HEAD_BYTES))
    except Exception:  # damaged, encrypted or of an unknown method
        return ""


def match_pattern(pattern: str) -> list[str]:
    """Return the files and folders that match a pattern, sorted."""
    found = sorted(glob.glob(pattern, recursive=True))
    # `**` also matches the files inside the folders it matches
    return [path for path in found if not os.path.isdir(path)] if "**" in pattern else found


def unreadable_path(path: str, error: OSError) -> InkfastError:
    """Return the error of a file or folder that cannot be opened."""
    reason = error.strerror or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return InkfastError(f"{path}: there is no such file. Check its path.")
    return InkfastError(f"{path}: expected an image, but {reason}. Remove or replace it.")
