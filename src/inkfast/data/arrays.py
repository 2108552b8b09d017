"""NumPy files: ``.npz`` with images and labels, or ``.npy`` with images alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Digits, Images, Indices, Labels, Source, check_labels
from inkfast.core.errors import InkfastError

PAIRS = (("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"))
EXPECTED = "arrays named images and labels, x and y, or x_train, y_train, x_test and y_test"


def load_arrays(path: Path) -> Source:
    """Read digits from a NumPy file without unpickling anything.

    Images may be ``(n, 28, 28)`` or ``(n, 784)``: uint8, whole numbers from 0 to 255, or floats
    in [0, 1]. An array named writers, or writers_train, numbers the writer of each image.

    Raises:
        InkfastError: If the file or its arrays cannot be used.
    """
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            # read all arrays here, so that a damaged archive fails inside this block
            arrays = content if isinstance(content, np.ndarray) else dict(content)
    except Exception as error:
        raise unreadable(path, error) from None
    if isinstance(arrays, np.ndarray):
        return Source(Digits(images_of(arrays, path), None, path.name), None, path.name)
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise InkfastError(f"{path}: expected {EXPECTED}, got something else.")
    if "x_train" in arrays:
        train = _read_pair(arrays, "x_train", "y_train", path, "train", "writers_train")
        test = _read_pair(arrays, "x_test", "y_test", path, "test") if "x_test" in arrays else None
        return Source(train, test, path.name)
    for images, labels in PAIRS:
        if images in arrays:
            return Source(_read_pair(arrays, images, labels, path, ""), None, path.name)
    raise InkfastError(f"{path}: expected {EXPECTED}, got {', '.join(sorted(arrays)) or 'none'}.")


def unreadable(path: Path, error: Exception) -> InkfastError:
    """Return the error for a file that is truncated, damaged or encrypted.

    It is given any exception, because zipfile, its compression methods and NumPy's parser of
    headers raise more than a dozen kinds.
    """
    reason = getattr(error, "strerror", None) or "it is damaged"
    if "allow_pickle" in str(error):
        reason = "it is no NumPy file, or holds pickled objects"
    return InkfastError(
        f"{path} cannot be read: {reason}. Expected numbers saved by np.savez or np.save."
    )


def _read_pair(
    arrays: dict[str, NDArray[np.generic]],
    images: str,
    labels: str,
    path: Path,
    part: str,
    writers: str = "writers",
) -> Digits:
    pixels = images_of(arrays[images], path)
    given = arrays.get(labels)
    return Digits(
        pixels,
        None if given is None else _int64_labels(given, len(pixels), path),
        f"{path.name} {part}".strip(),
        _int64_writers(arrays.get(writers), path),
    )


def _int64_writers(values: NDArray[Any] | None, path: Path) -> Indices | None:
    if values is not None and values.dtype.kind not in "iu":
        raise InkfastError(f"{path}: writers must be whole numbers, got {values.dtype}.")
    return None if values is None else values.astype(np.int64)


def _int64_labels(values: NDArray[np.generic], n: int, path: Path) -> Labels:
    if values.dtype.kind not in "iu":
        raise InkfastError(f"{path}: labels must be whole numbers, got {values.dtype}.")
    if values.dtype.kind == "u":
        values = np.minimum(values, 255)  # large values must not become negative in int64
    labels = values.astype(np.int64)
    labels = labels[:, 0] if labels.shape == (n, 1) else labels
    check_labels(labels, n, str(path))
    return labels


def images_of(
    values: NDArray[Any], path: Path, top: float | None = None, shape: tuple[int, ...] = ()
) -> Images:
    """Convert images of any accepted shape and type to uint8 ``(n, 28, 28)``.

    Args:
        values: Images, or a part of them.
        path: File of the images, for messages.
        top: Value of full ink, see `full_ink`; taken from `values` if None.
        shape: Shape of all images, for messages, if `values` is a part.

    Raises:
        InkfastError: If shape, type or range is not accepted.
    """
    if values.shape[1:] == (SIDE, SIDE, 1):
        values = values[..., 0]
    if values.shape[1:] not in ((SIDE, SIDE), (SIDE * SIDE,)):
        raise InkfastError(
            f"{path}: images must have shape (n, 28, 28) or (n, 784), got {shape or values.shape}."
        )
    if values.dtype.kind not in "uif":
        raise InkfastError(f"{path}: images must be numbers, got {values.dtype}.")
    pixels = values.reshape(-1, SIDE, SIDE)
    if pixels.dtype.kind == "f" and pixels.size and 1 < pixels.max() < 2:
        raise InkfastError(
            f"{path}: floats must be in [0, 1], or whole numbers to 255; got up to "
            f"{pixels.max():.7g}. Divide by that, or cut off at 1."
        )
    top = top or full_ink([pixels])
    if not len(pixels) or (pixels.dtype == np.uint8 and top == 255):
        return pixels.astype(np.uint8)
    if not np.isfinite(pixels.astype(np.float64)).all() or pixels.min() < 0 or pixels.max() > top:
        raise InkfastError(
            f"{path}: pixels must be 0 to 255, or floats in [0, 1], without NaN; "
            f"got {pixels.min()} to {pixels.max()}."
        )
    return np.asarray(np.rint(pixels.astype(np.float64) * (255 / top)), np.uint8)


def full_ink(parts: Iterable[NDArray[Any]]) -> float:
    """Return the value of full ink: 1 if no pixel exceeds 1, else 255."""
    return 255.0 if any(part.size and not part.max() <= 1 for part in parts) else 1.0
