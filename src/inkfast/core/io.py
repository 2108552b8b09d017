"""Atomic file writes, file locks, JSON and SHA-256.

A file is written under a temporary name and renamed, so it is either complete or absent.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import tempfile
from pathlib import Path
from typing import IO, Any

from inkfast.core.errors import InkfastError


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: after a crash or on a full disk it is complete or absent.

    Raises:
        InkfastError: If the file cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from None
        raise


def lock(file: IO[Any], refusal: str) -> bool:
    """Lock an open file against other processes of this machine until it is closed.

    Returns:
        Whether the file could be locked; outside Unix and on some network drives it cannot.

    Raises:
        InkfastError: With `refusal` as message, if another process has locked it.
    """
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InkfastError(refusal) from None
    except (ImportError, OSError):
        return False
    return True


def open_locked(path: Path, refusal: str) -> IO[bytes]:
    """Open or create a file for appending, and lock it until it is closed.

    Raises:
        InkfastError: With `refusal` as message, if another process has locked it; or if it cannot
            be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        if not lock(file, refusal):
            file.close()  # without locks, as on Windows, an open file cannot be renamed
        elif not (path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())):
            raise InkfastError(refusal)  # another process has just finished and renamed it
    except BaseException:
        file.close()
        raise
    return file


def check_free(path: Path, *, overwrite: bool) -> None:
    """Check that a file can be written at a path.

    Raises:
        InkfastError: If there is a file and `overwrite` is false, or something that is no file.
    """
    if path.exists() and not path.is_file():
        raise InkfastError(f"{path}: expected a file or a new name. Choose another path.")
    if path.exists() and not overwrite:
        raise InkfastError(f"{path} exists. Add --overwrite, or choose another file.")


def check_resume(*, resume: bool, overwrite: bool) -> None:
    """Check that --resume and --overwrite are not combined.

    Raises:
        InkfastError: If both are given.
    """
    if resume and overwrite:
        raise InkfastError("--resume and --overwrite exclude each other: give one of them.")


def check_folder(path: Path | None) -> None:
    """Check that a path, if given, can be used as a folder.

    Raises:
        InkfastError: If it is a file.
    """
    if path is not None and path.exists() and not path.is_dir():
        raise InkfastError(f"{path} is a file: expected a folder or a new name.")


def cannot_write(path: Path, error: OSError) -> InkfastError:
    """Return the error for a path that cannot be written."""
    reason = error.strerror or type(error).__name__
    fix = "Free some space" if error.errno == errno.ENOSPC else "Choose another path"
    return InkfastError(f"cannot write {path}: {reason}. {fix}.")


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text atomically; see `write_bytes`.

    Bytes of file names that are not UTF-8 are escaped as in Python and JSON.
    """
    write_bytes(path, content.encode(errors="backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused, because JSON cannot hold them."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def nan_to_none(value: float) -> float | None:
    """Return a number for JSON: None if it is NaN."""
    return None if math.isnan(value) else value


def read_file(path: Path) -> bytes:
    """Return the content of a file that a user named.

    Raises:
        InkfastError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InkfastError(f"{path}: there is no such file. Check its path.") from None
    except OSError as error:
        raise InkfastError(f"{path} cannot be read: {error.strerror}.") from None


def read_json(path: Path) -> Any:
    """Read a JSON file that inkfast wrote.

    Raises:
        InkfastError: If it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError):  # RecursionError: brackets nested thousands deep
        raise InkfastError(f"{path} is damaged: expected JSON. Create it again.") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; see `read_json`."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise InkfastError(f"{path} is damaged: expected a JSON object. Create it again.")
    return found


def sha256(*parts: bytes | memoryview) -> str:
    """Return the hexadecimal SHA-256 of the concatenated parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
