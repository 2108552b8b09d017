"""Files of digits by suffix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inkfast.core.digits import Source
from inkfast.core.errors import InkfastError
from inkfast.data.arrays import load_arrays
from inkfast.data.kaggle_csv import load_csv


@dataclass(frozen=True)
class FileKind:
    """How files with one suffix are read.

    Attributes:
        description: One line for `inkfast data list`.
        load: Reads a file.
    """

    description: str
    load: Callable[[Path], Source]


FILE_KINDS = {
    ".csv": FileKind("Kaggle digit-recognizer: label,pixel0..pixel783", load_csv),
    ".npz": FileKind("arrays images and labels, or x_train, y_train, x_test, y_test", load_arrays),
    ".npy": FileKind("images alone, (n, 28, 28) or (n, 784)", load_arrays),
}


def load_file(path: Path) -> Source:
    """Read the digits of one file.

    Raises:
        InkfastError: If the suffix is unknown or the content cannot be used.
    """
    kind = FILE_KINDS.get(path.suffix.lower())
    if kind is None:
        *others, last = FILE_KINDS
        raise InkfastError(
            f"{path}: expected a {', '.join(others)} or {last} file or a folder of images."
        )
    return kind.load(path)
