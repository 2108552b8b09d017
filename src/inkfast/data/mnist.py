"""`mnist`: the MNIST database in IDX files, from a folder, the user's cache or the network.

Source: LeCun, Cortes and Burges, THE MNIST DATABASE of handwritten digits (1998); CC BY-SA 3.0.
The decompressed content is what is checked, because mirrors compress it again.
"""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import numpy as np

from inkfast.core.digits import SIDE, Digits, Source
from inkfast.core.errors import InkfastError, command_name
from inkfast.core.io import sha256
from inkfast.data.base import DATA_SOURCES, DownloadedSource, Fetched, Report, no_report
from inkfast.data.download import download
from inkfast.data.idx import read_idx

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
_ADVICE = (
    "Check the network, set INKFAST_MIRROR to a mirror you can reach, or put the four files into "
    "$INKFAST_DATA/mnist."
)
_ROWS = {"train": 60_000, "t10k": 10_000}


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class MnistSource(DownloadedSource):
    """MNIST from disk; `load` downloads nothing."""

    name: ClassVar[str] = "mnist"
    title: ClassVar[str] = "MNIST"
    description: ClassVar[str] = "60,000 + 10,000 digits, 28x28 (LeCun et al. 1998)"
    checked: ClassVar[str] = "checked by SHA-256"

    def load(self, report: Report = no_report) -> Source:
        return load_mnist()

    def find(self) -> Path | None:
        return find_mnist()

    def fetch(self, report: Report) -> Fetched:
        return Fetched(fetch_mnist(report))

    def verify(self, folder: Path) -> list[tuple[str, str]]:
        return verify_mnist(folder)


def cache_folder() -> Path:
    """Return the folder for downloaded MNIST files in this user's cache."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("inkfast")) / "mnist"


def mnist_folders() -> list[Path]:
    """Return the folders that are searched, in order: ``$INKFAST_DATA/mnist``, the cache."""
    given = os.environ.get("INKFAST_DATA")
    return ([Path(given) / "mnist"] if given else []) + [cache_folder()]


def find_mnist() -> Path | None:
    """Return the first folder that has all four files, plain or gz."""
    for folder in mnist_folders():
        if all(_find_file(folder, name) for name in SHA256):
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
            f"MNIST is not on this machine: looked in {' and '.join(map(str, mnist_folders()))}. "
            f"Get it with: {command_name()} data fetch"
        )
    with ThreadPoolExecutor() as pool:  # decompression and hashing release the GIL
        paths = [cast(Path, _find_file(folder, name)) for name in SHA256]
        payloads = dict(zip(SHA256, pool.map(read_payload, paths, SHA256), strict=True))
    return Source(_part_digits(payloads, "train"), _part_digits(payloads, "t10k"), "mnist")


def verify_mnist(folder: Path) -> list[tuple[str, str]]:
    """Return ``(file, "ok" or what is wrong)`` for each of the four files."""
    return [(name, _check_file(folder, name)) for name in SHA256]


def _check_file(folder: Path, name: str) -> str:
    path = _find_file(folder, name)
    if path is None:
        return f"missing in {folder}; get it with: {command_name()} data fetch"
    try:
        read_payload(path, name)
    except InkfastError as error:
        return str(error)
    return "ok"


def fetch_mnist(report: Report) -> Path:
    """Download what is missing into the user's cache and return that folder.

    Args:
        report: Called with the progress of downloads.

    Raises:
        InkfastError: If no mirror gives a good copy. No half-written file stays.
    """
    folder = cache_folder()
    for name in SHA256:
        if _check_file(folder, name) == "ok":
            continue

        def check(file: Path, name: str = name) -> None:
            with contextlib.suppress(InkfastError):
                read_payload(file, name)
                return
            raise InkfastError("wrong content")

        addresses = [f"{mirror}{name}.gz" for mirror in mirrors()]
        download(f"{name}.gz", addresses, folder, check, report, _ADVICE)
        # a damaged plain file would be read before the good compressed one
        (folder / name).unlink(missing_ok=True)
    return folder


def mirrors() -> tuple[str, ...]:
    """Return the base addresses to try in turn, ``$INKFAST_MIRROR`` first."""
    own = os.environ.get("INKFAST_MIRROR", "").strip()
    return ((own.rstrip("/") + "/",) if own else ()) + MIRRORS


def read_payload(path: Path, name: str) -> bytes:
    """Return the decompressed content of one MNIST file, checked against its SHA-256."""
    rows = _ROWS[name.split("-", maxsplit=1)[0]]
    size = 16 + rows * SIDE * SIDE if "images" in name else 8 + rows
    fix = f"Delete it, then: {command_name()} data fetch"
    payload = read_idx(path, size, fix)
    if sha256(payload) != SHA256[name]:
        raise InkfastError(
            f"{path} is not MNIST's {name}: the SHA-256 of its content differs. {fix}"
        )
    return payload


def _find_file(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    return None


def _part_digits(payloads: dict[str, bytes], part: str) -> Digits:
    images = np.frombuffer(payloads[f"{part}-images-idx3-ubyte"], np.uint8, offset=16)
    labels = np.frombuffer(payloads[f"{part}-labels-idx1-ubyte"], np.uint8, offset=8)
    name = f"mnist {'train' if part == 'train' else 'test'}"
    return Digits(images.reshape(-1, SIDE, SIDE), labels.astype(np.int64), name)
