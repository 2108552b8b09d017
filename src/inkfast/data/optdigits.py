"""`optdigits`: the original 32x32 bitmaps of Optical Recognition of Handwritten Digits.

Source: Alpaydin and Kaynak (1998), UCI Machine Learning Repository, CC BY 4.0. Read are the text
files ``optdigits-orig.tra`` and ``optdigits-orig.cv``, or ``optdigits.npz`` with the same bitmaps.
The writers of both parts are the same 30 people, so there is no test part.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Labels, Source
from inkfast.core.errors import InkfastError
from inkfast.data.arrays import unreadable
from inkfast.data.base import DATA_SOURCES, DataSource, Report, no_report
from inkfast.imaging.centering import center_digit

Bitmaps: TypeAlias = NDArray[np.uint8]  # (n, 32, 32), 0 or 255, bright ink on black

_SIDE = 32
_TEXTS = ("optdigits-orig.tra", "optdigits-orig.cv")
_ARRAYS = "optdigits.npz"
_DIGIT = re.compile(rf"((?:[01]{{{_SIDE}}}\n){{{_SIDE}}}) ?([0-9])\s*(?:\n|$)")


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class OptdigitsSource(DataSource):
    """The bitmaps, centred as in MNIST."""

    name: ClassVar[str] = "optdigits"
    description: ClassVar[str] = (
        "32x32 bitmaps of 30 writers in $INKFAST_DATA/optdigits (Alpaydin and Kaynak 1998)"
    )

    def load(self, report: Report = no_report) -> Source:
        return load_optdigits()


def load_optdigits() -> Source:
    """Return the digits, brought to 28x28 the way MNIST was made.

    Raises:
        InkfastError: If there are none in ``$INKFAST_DATA/optdigits``, or a file is damaged.
    """
    folder = Path(os.environ.get("INKFAST_DATA", "")) / "optdigits"
    texts = [folder / name for name in _TEXTS if (folder / name).is_file()]
    if "INKFAST_DATA" not in os.environ or not (texts or (folder / _ARRAYS).is_file()):
        raise InkfastError(
            f"optdigits are not on this machine: expected {', '.join(_TEXTS)} or {_ARRAYS} in "
            "$INKFAST_DATA/optdigits. Get the first two from the UCI Machine Learning Repository: "
            "Optical Recognition of Handwritten Digits, original bitmaps."
        )
    parts = [_read_text(path) for path in texts] or [_read_bitmaps(folder / _ARRAYS)]
    images = np.stack([center_digit(bitmap) for bitmaps, _ in parts for bitmap in bitmaps])
    labels = np.concatenate([labels for _, labels in parts])
    return Source(Digits(images, labels, "optdigits"), None, "optdigits")


def _read_text(path: Path) -> tuple[Bitmaps, Labels]:
    """Read a header, then for each digit 32 lines of 32 zeros and ones, and its label."""
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise InkfastError(f"cannot read {path}: {error.strerror}.") from None
    start = re.search(rf"^[01]{{{_SIDE}}}$", text, re.MULTILINE)
    bitmaps, labels, end = [], [], start.start() if start else len(text)
    while match := _DIGIT.match(text, end):
        bitmaps.append([[255 * (c == "1") for c in row] for row in match[1].split()])
        labels.append(int(match[2]))
        end = match.end()
    if not bitmaps or text[end:].strip():
        raise InkfastError(
            f"{path}: expected bitmaps of 32 lines of 32 zeros and ones, each followed by its "
            f"label, got something else after {len(bitmaps):,} of them."
        )
    return np.array(bitmaps, np.uint8), np.array(labels, np.int64)


def _read_bitmaps(path: Path) -> tuple[Bitmaps, Labels]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except Exception as error:
        raise unreadable(path, error) from None
    fits = images.dtype == np.uint8 and images.shape[1:] == (_SIDE, _SIDE)
    if not fits or labels.dtype.kind not in "iu":
        raise InkfastError(
            f"{path}: expected images uint8 (n, 32, 32) and labels, got {images.dtype} of "
            f"{images.shape} and labels {labels.dtype}."
        )
    return images, labels.astype(np.int64)
