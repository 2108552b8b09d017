"""NumPy files: ``.npz`` with named arrays or ``.npy`` with images alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Digits, Images, Labels, Source, check_labels
from inkfast.core.errors import InkfastError

PAIRS = (("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"))
EXPECTED = "arrays named images and labels, x and y, or x_train, y_train, x_test and y_test"


def load_arrays(path: Path) -> Source:
    """Read digits from a NumPy file; nothing in it is ever unpickled.

    Images may be ``(n, 28, 28)`` or ``(n, 784)``: uint8, whole numbers from 0 to 255, or floats
    in [0, 1].

    Raises:
        InkfastError: If the arrays are missing or hold something else.
    """
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            # taken out of the archive here, where it is damaged or not
            arrays = content if isinstance(content, np.ndarray) else dict(content)
    except Exception as error:
        raise unreadable(path, error) from None
    if isinstance(arrays, np.ndarray):
        return Source(Digits(images_of(arrays, path), None, path.name), None, path.name)
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise InkfastError(f"{path}: expected {EXPECTED}, got something that is no array.")
    if "x_train" in arrays:
        train = _digits(arrays, "x_train", "y_train", path, "train")
        test = _digits(arrays, "x_test", "y_test", path, "test") if "x_test" in arrays else None
        return Source(train, test, path.name)
    for images, labels in PAIRS:
        if images in arrays:
            return Source(_digits(arrays, images, labels, path, ""), None, path.name)
    raise InkfastError(f"{path}: expected {EXPECTED}, got {', '.join(sorted(arrays)) or 'none'}.")


def unreadable(path: Path, error: Exception) -> InkfastError:
    """Return what is to be told of a file that is cut off, forged or encrypted.

    zipfile, its three methods of packing, numpy and the tokenizer that reads its headers fail each
    in its own way, and more than a dozen have been met.
    """
    reason = getattr(error, "strerror", None) or "it is damaged"
    if "allow_pickle" in str(error):
        reason = "it is no NumPy file, or holds pickled objects"
    return InkfastError(
        f"{path} cannot be read: {reason}. Expected numbers saved by np.savez or np.save."
    )


def _digits(
    arrays: dict[str, NDArray[np.generic]], images: str, labels: str, path: Path, part: str
) -> Digits:
    pixels = images_of(arrays[images], path)
    given = arrays.get(labels)
    return Digits(
        pixels,
        None if given is None else _labels(given, len(pixels), path),
        f"{path.name} {part}".strip(),
    )


def _labels(values: NDArray[np.generic], n: int, path: Path) -> Labels:
    if values.dtype.kind not in "iu":
        raise InkfastError(f"{path}: labels must be whole numbers, got {values.dtype}.")
    if values.dtype.kind == "u":
        values = np.minimum(values, 255)  # so that what does not fit int64 is not turned negative
    labels = values.astype(np.int64)
    labels = labels[:, 0] if labels.shape == (n, 1) else labels
    check_labels(labels, n, str(path))
    return labels


def images_of(
    values: NDArray[Any], path: Path, top: float | None = None, shape: tuple[int, ...] = ()
) -> Images:
    """Return images of any accepted form as uint8 ``(n, 28, 28)``.

    Args:
        values: The images, or a part of them.
        path: Of their file, for messages.
        top: The value of full ink, see `full_ink`; told by the values themselves unless given.
        shape: Of the whole, for messages, where the values are a part.

    Raises:
        InkfastError: If they are something else.
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
    """Return 1 for images of black and white as 0 and 1, or of grey in [0, 1]; else 255."""
    return 255.0 if any(part.size and not part.max() <= 1 for part in parts) else 1.0
