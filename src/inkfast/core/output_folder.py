"""Folders that commands write: checked before any work, and cleared file by file.

A folder that holds anything else is never written to, and only a command's own files are deleted.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write, check_resume

REPORT = "report.html"  # the page that every kind of folder may hold


@dataclass(frozen=True)
class FolderKind:
    """One kind of folder that a command writes.

    Attributes:
        name: Noun with its article, for messages, e.g. ``"a run"``.
        files: Names of its files. The first one identifies the kind, and is deleted last.
        folders: Names of its folders.
        resumable: Whether its command can resume one.
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    resumable: bool = False

    def holds(self, out: Path) -> bool:
        """Return whether a folder is of this kind."""
        return (out / self.files[0]).is_file()

    def check(self, out: Path, *, overwrite: bool, resume: bool = False) -> None:
        """Refuse a folder that may not be written; nothing is changed.

        Raises:
            InkfastError: If it is a file, holds something else, or is of this kind and neither
                flag was given.
        """
        if out.exists() and not out.is_dir():
            raise InkfastError(f"{out} is a file: expected a folder or a new name. Use --out DIR.")
        check_resume(resume=resume, overwrite=overwrite)
        if not out.is_dir() or not any(out.iterdir()):
            return
        if not self.holds(out):
            raise InkfastError(
                f"{out} is not empty and is not {self.name} of inkfast. Use another --out DIR."
            )
        if not (resume or overwrite):
            ways = ["--resume to resume it"] if self.resumable else []
            ways += ["--overwrite to start it again", "--out DIR for another folder"]
            raise InkfastError(
                f"{out} already holds {self.name}. Add {', '.join(ways[:-1])}, or {ways[-1]}."
            )

    def claim(self, out: Path, *, overwrite: bool, resume: bool = False) -> bool:
        """Check a folder and make sure that it can be written.

        Returns:
            Whether it is of this kind already; then nothing in it has been changed.

        Raises:
            InkfastError: See `check`; or if the folder cannot be made or written.
        """
        self.check(out, overwrite=overwrite, resume=resume)
        try:
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=out):
                pass
        except OSError as error:
            raise cannot_write(out, error) from None
        return self.holds(out)

    def clear(self, out: Path) -> None:
        """Delete the files and folders of this kind and nothing else; the first file goes last.

        Raises:
            InkfastError: If one of them cannot be deleted.
        """
        try:
            for folder in self.folders:
                if (out / folder).exists():
                    shutil.rmtree(out / folder)
            for file in reversed(self.files):
                (out / file).unlink(missing_ok=True)
        except OSError as error:
            raise InkfastError(f"cannot delete {self.name} in {out}: {error.strerror}.") from None
