"""`mnist`: the MNIST database in IDX files, from a folder, the user's cache or the network.

Source: LeCun, Cortes and Burges, THE MNIST DATABASE of handwritten digits (1998); CC BY-SA 3.0.
The payload (the decompressed file) is what is checked, because mirrors recompress.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, cast

import numpy as np

from inkfast.core.digits import SIDE, Digits, Source
from inkfast.core.errors import InkfastError, command_name
from inkfast.core.io import sha256

SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_ROWS = {"train": 60_000, "t10k": 10_000}
_CHUNK = 1 << 20


def cache_folder() -> Path:
    """Return where downloaded MNIST files are kept for this user."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("inkfast")) / "mnist"


def folders() -> list[Path]:
    """Return the folders that are looked at, in order: ``$INKFAST_DATA/mnist``, the cache."""
    given = os.environ.get("INKFAST_DATA")
    return ([Path(given) / "mnist"] if given else []) + [cache_folder()]


def find_mnist() -> Path | None:
    """Return the first folder that has all four files, plain or gz."""
    for folder in folders():
        if all(_file(folder, name) for name in SHA256):
            return folder
    return None


def load_mnist() -> Source:
    """Return MNIST from disk, every payload checked against its SHA-256.

    Raises:
        InkfastError: If it is not on disk, or a file is damaged.
    """
    folder = find_mnist()
    if folder is None:
        raise InkfastError(
            "MNIST is not on this machine: looked in "
            f"{' and '.join(str(f) for f in folders())}. Get it with: {command_name()} data fetch"
        )
    with ThreadPoolExecutor() as pool:  # decompression and hashing leave Python's lock alone
        paths = [cast(Path, _file(folder, name)) for name in SHA256]
        payloads = dict(zip(SHA256, pool.map(read_payload, paths, SHA256), strict=True))
    return Source(_digits(payloads, "train"), _digits(payloads, "t10k"), "mnist")


def verify_mnist(folder: Path) -> list[tuple[str, str]]:
    """Return ``(file, "ok" or what is wrong)`` for each of the four files."""
    return [(name, _state(folder, name)) for name in SHA256]


def _state(folder: Path, name: str) -> str:
    path = _file(folder, name)
    if path is None:
        return f"missing in {folder}; get it with: {command_name()} data fetch"
    try:
        read_payload(path, name)
    except InkfastError as error:
        return str(error)
    return "ok"


def fetch_mnist(report: Callable[[str, int, int], None]) -> Path:
    """Download what is missing into the user's cache and return that folder.

    Args:
        report: Called with file name, bytes so far and bytes in all (0 when not known).

    Raises:
        InkfastError: If no mirror gives a good copy; nothing half-written stays.
    """
    folder = cache_folder()
    for name in SHA256:
        if _state(folder, name) == "ok":
            continue
        from inkfast.data.download import download

        def check(file: Path, name: str = name) -> None:
            read_payload(file, name)

        download(name + ".gz", mirrors(), folder, check, report)
        (folder / name).unlink(missing_ok=True)  # damaged, and would be read before the good one
    return folder


def mirrors() -> tuple[str, ...]:
    """Return the base addresses that are tried in turn; ``$INKFAST_MIRROR`` goes first."""
    own = os.environ.get("INKFAST_MIRROR", "").strip()
    return ((own.rstrip("/") + "/",) if own else ()) + MIRRORS


def read_payload(path: Path, name: str) -> bytes:
    """Return the decompressed content of one MNIST file, checked against its SHA-256."""
    rows = _ROWS[name.split("-", maxsplit=1)[0]]
    size = 16 + rows * SIDE * SIDE if "images" in name else 8 + rows
    payload = read_idx(path, limit=size)
    if sha256(payload) != SHA256[name]:
        raise InkfastError(
            f"{path} is not MNIST's {name}: the SHA-256 of its content differs. "
            f"Delete it, then: {command_name()} data fetch"
        )
    return payload


def read_idx(path: Path, limit: int) -> bytes:
    """Return the bytes of an IDX file, plain or gz, after checking header and length.

    Args:
        path: The file; a gzip file is known by its first bytes, not by its name.
        limit: Largest decompressed size accepted, so that a gzip bomb is stopped early.

    Raises:
        InkfastError: If the file is truncated, not IDX, or its length is not what it says.
    """
    mend = f"Delete it, then: {command_name()} data fetch"
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if zipped else raw
            payload = _read_up_to(file, limit + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InkfastError(
            f"{path} is damaged: the gzip data ends early or is corrupt. {mend}"
        ) from None
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror or error}.") from None
    if len(payload) > limit:
        raise InkfastError(f"{path}: expected at most {limit:,} bytes of data, got more. {mend}")
    _check_header(path, payload, mend)
    return payload


def _check_header(path: Path, payload: bytes, mend: str) -> None:
    magic = int.from_bytes(payload[:4], "big")
    if magic not in (2049, 2051):
        seen = "a web page" if payload[:200].lstrip()[:1] == b"<" else f"magic number {magic}"
        raise InkfastError(
            f"{path}: expected an IDX file (magic number 2051 for images, 2049 for labels), "
            f"got {seen}. {mend}"
        )
    header = 16 if magic == 2051 else 8
    if len(payload) < header:
        raise InkfastError(
            f"{path}: expected a header of {header} bytes, got {len(payload)}. {mend}"
        )
    shape = struct.unpack(f">{(header - 4) // 4}I", payload[4:header])
    expected = header + int(np.prod(shape, dtype=object))
    if len(payload) != expected:
        raise InkfastError(
            f"{path}: its header announces {expected:,} bytes ({' x '.join(map(str, shape))}), "
            f"the file has {len(payload):,}. {mend}"
        )


def _read_up_to(file: IO[bytes], limit: int) -> bytes:
    chunks, left = [], limit
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _digits(payloads: dict[str, bytes], part: str) -> Digits:
    images = np.frombuffer(payloads[f"{part}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(payloads[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    name = f"mnist {'train' if part == 'train' else 'test'}"
    return Digits(images.reshape(-1, SIDE, SIDE), labels.astype(np.int64), name)
