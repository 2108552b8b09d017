"""Files that are either whole or absent: every write goes to a temporary name and is renamed."""

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
    """Write a file so that a reader, a crash or a full disk never meets half of it.

    Raises:
        InkfastError: If the place cannot be written (read-only, full, not a folder).
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
    """Keep an open file from other processes of this machine until it is closed.

    Returns:
        Whether it could be: there is no such lock outside Unix, nor on some network drives.

    Raises:
        InkfastError: With `refusal`, if another process keeps it.
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
    """Open a file that grows, or make it, and keep it from others until what is returned is closed.

    Raises:
        InkfastError: With `refusal`, if another process keeps it; or if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from None
    try:
        if not lock(file, refusal):
            file.close()  # what is open cannot be renamed where there are no locks
        elif not (path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())):
            raise InkfastError(refusal)  # renamed by whoever has just finished it
    except BaseException:
        file.close()
        raise
    return file


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise where a file would take the place of something that it may not.

    Raises:
        InkfastError: If there is a file and `overwrite` is false, or what there is is no file.
    """
    if path.exists() and not path.is_file():
        raise InkfastError(f"{path}: expected a file or a new name. Choose another place.")
    if path.exists() and not overwrite:
        raise InkfastError(f"{path} exists. Add --overwrite, or choose another file.")


def check_resume(*, resume: bool, overwrite: bool) -> None:
    """Raise where both are asked for.

    Raises:
        InkfastError: Saying so.
    """
    if resume and overwrite:
        raise InkfastError("--resume and --overwrite exclude each other: give one of them.")


def check_folder(path: Path | None) -> None:
    """Raise unless files can be put into a folder of this name, if there is a name.

    Raises:
        InkfastError: If it is a file.
    """
    if path is not None and path.exists() and not path.is_dir():
        raise InkfastError(f"{path} is a file: expected a folder or a new name.")


def cannot_write(path: Path, error: OSError) -> InkfastError:
    """Return the error for a place that refuses to be written."""
    reason = error.strerror or type(error).__name__
    mend = "Free some space" if error.errno == errno.ENOSPC else "Choose another place"
    return InkfastError(f"cannot write {path}: {reason}. {mend}.")


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text atomically; see `write_bytes`.

    Bytes of a file's name that are no text are escaped as Python and JSON escape them.
    """
    write_bytes(path, content.encode(errors="backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; NaN and infinity are refused, because JSON has no word for them."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def nan_to_none(value: float) -> float | None:
    """Return a figure as JSON has it: null where it is undefined (NaN)."""
    return None if math.isnan(value) else value


def read_json(path: Path) -> Any:
    """Read a JSON file that inkfast wrote.

    Raises:
        InkfastError: If it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError):  # the latter for brackets in thousands of brackets
        raise InkfastError(f"{path} is damaged: expected JSON. Make it again.") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object; see `read_json`."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise InkfastError(f"{path} is damaged: expected a JSON object. Make it again.")
    return found


def sha256(*parts: bytes | memoryview) -> str:
    """Return the hexadecimal SHA-256 of the parts, one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
