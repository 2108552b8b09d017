"""Pen strokes of real people: the path of the pen for each character, with label and writer.

They come from UniPen (Guyon et al. 1994), recorded on graphics tablets. Every sample is moved to
(0, 0) and scaled so that its larger side is 1000 units; x points to the right, y downwards.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Indices
from inkfast.core.errors import InkfastError, check_choice, command_name

StrokeKind: TypeAlias = Literal["digits", "symbols", "letters"]

UNITS = 1000  # larger side of every sample
_EXPECTED = "an .npz file of pen strokes"


@dataclass(frozen=True, eq=False)
class PenStrokes:
    """Written characters as strokes of a pen.

    Attributes:
        points: Points of all strokes, int16 ``(m, 2)``: x and y from 0 to 1000.
        stroke_start: First point of each stroke and the number of points, int32 ``(k + 1,)``.
        sample_start: First stroke of each sample and the number of strokes, int32 ``(n + 1,)``.
        labels: Character of each sample, text ``(n,)``.
        writers: Index into `writer_names` of each sample, int16 ``(n,)``.
        writer_names: Contributor and number of each writer, e.g. ``"aga-001"``, text.
        size: Larger side of each sample divided by that of the usual digit or letter of the same
            document, float32 ``(n,)``; 0 for a single point, NaN where it is not known.
        name: Origin of the strokes, e.g. a path.
    """

    points: NDArray[np.int16]
    stroke_start: NDArray[np.int32]
    sample_start: NDArray[np.int32]
    labels: NDArray[np.str_]
    writers: NDArray[np.int16]
    writer_names: NDArray[np.str_]
    size: NDArray[np.float32]
    name: str

    def __post_init__(self) -> None:
        n = len(self.labels)
        self._check("points", "i2", (len(self.points), 2))
        self._check("stroke_start", "i4", (len(self.stroke_start),))
        self._check("sample_start", "i4", (n + 1,))
        self._check("labels", "U", (n,))
        self._check("writers", "i2", (n,))
        self._check("writer_names", "U", (len(self.writer_names),))
        self._check("size", "f4", (n,))
        self._check_offsets("stroke_start", len(self.points))
        self._check_offsets("sample_start", len(self.stroke_start) - 1)
        self._check_range("points", 0, UNITS)
        self._check_range("writers", 0, len(self.writer_names) - 1)
        if not np.all(self.labels != ""):
            raise self._fault("labels", "at least one character each", "an empty label")
        if np.any(self.size < 0) or np.any(np.isinf(self.size)):
            raise self._fault("size", "finite numbers >= 0, or NaN", "another number")

    def __len__(self) -> int:
        return len(self.labels)

    def strokes(self, i: int) -> list[NDArray[np.int16]]:
        """Return the strokes of sample `i` in the order written, each int16 ``(points, 2)``."""
        first, end = self.sample_start[i], self.sample_start[i + 1]
        starts = self.stroke_start[first : end + 1]
        return [self.points[a:b] for a, b in pairwise(starts)]

    def label(self, i: int) -> str:
        """Return the character of sample `i`."""
        return str(self.labels[i])

    def writer(self, i: int) -> str:
        """Return the name of the writer of sample `i`."""
        return str(self.writer_names[self.writers[i]])

    def samples_of(self, writer: int) -> Indices:
        """Return the samples of a writer, given as an index into `writer_names`."""
        return np.flatnonzero(self.writers == writer)

    def _check(self, array: str, kind: str, shape: tuple[int, ...]) -> None:
        given = getattr(self, array)
        if not np.issubdtype(given.dtype, np.dtype(kind).type) or given.shape != shape:
            raise self._fault(
                array, f"{np.dtype(kind).name} of shape {shape}", f"{given.dtype} of {given.shape}"
            )

    def _check_offsets(self, array: str, end: int) -> None:
        offsets = getattr(self, array)
        if len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != end:
            raise self._fault(array, f"offsets from 0 to {end}", f"{offsets[:1]} to {offsets[-1:]}")
        if np.any(np.diff(offsets) <= 0):
            raise self._fault(array, "increasing offsets", "one that is not above the one before")

    def _check_range(self, array: str, low: int, high: int) -> None:
        values = getattr(self, array)
        if values.min() < low or values.max() > high:
            raise self._fault(
                array, f"values from {low} to {high}", f"{values.min()} to {values.max()}"
            )

    def _fault(self, array: str, expected: str, got: str) -> InkfastError:
        return InkfastError(f"{self.name}: `{array}` must be {expected}, got {got}.")


def load_pen_strokes(kind: StrokeKind) -> PenStrokes:
    """Return UniPen's strokes of one kind from disk.

    Raises:
        InkfastError: If they are not on this machine, or the file is damaged.
    """
    check_choice("kind", kind, get_args(StrokeKind))
    folder = find_pen_strokes(kind)
    if folder is None:
        looked = " and ".join(map(str, pen_stroke_folders()))
        raise InkfastError(
            f"UniPen's {kind}.npz is not on this machine: looked in {looked}. "
            f"Get it with: {command_name()} data fetch unipen"
        )
    return read_pen_strokes(folder / f"{kind}.npz")


def pen_stroke_folders() -> list[Path]:
    """Return the folders that are searched, in order: ``$INKFAST_DATA/unipen``, the cache."""
    import platformdirs

    given = os.environ.get("INKFAST_DATA")
    cache = Path(platformdirs.user_cache_dir("inkfast")) / "unipen"
    return [*([Path(given) / "unipen"] if given else []), cache]


def find_pen_strokes(kind: StrokeKind) -> Path | None:
    """Return the first folder that has the strokes of one kind, or None."""
    for folder in pen_stroke_folders():
        if (folder / f"{kind}.npz").is_file():
            return folder
    return None


def read_pen_strokes(path: Path) -> PenStrokes:
    """Read an ``.npz`` file of pen strokes without unpickling anything.

    Raises:
        InkfastError: If the file or one of its arrays cannot be used.
    """
    names = [field.name for field in fields(PenStrokes) if field.name != "name"]
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            arrays = {} if isinstance(content, np.ndarray) else dict(content)
    except Exception as error:  # zipfile and NumPy raise more than a dozen kinds
        reason = getattr(error, "strerror", None) or "it is damaged, or holds pickled objects"
        raise InkfastError(f"{path} cannot be read: {reason}. Expected {_EXPECTED}.") from None
    missing = [name for name in names if not isinstance(arrays.get(name), np.ndarray)]
    if missing:
        raise InkfastError(f"{path}: expected {_EXPECTED}, `{missing[0]}` is missing.")
    return PenStrokes(**{name: _as_text(name, arrays[name]) for name in names}, name=str(path))


def _as_text(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return labels of digits, stored as uint8, as text; return other arrays unchanged."""
    return values.astype(np.str_) if name == "labels" and values.dtype == np.uint8 else values
