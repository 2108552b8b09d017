"""`unipen`: digits of more than 200 writers, drawn from their pen strokes; test digits by writer.

Source: Guyon, Schomaker, Plamondon, Liberman and Janet (1994), UNIPEN project of on-line data
exchange and recognizer benchmarks, Proc. 12th ICPR, pp. 29-33; Zenodo record 1195803, CC BY 4.0.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np

from inkfast.core.digits import Digits, Indices, Source
from inkfast.core.errors import InkfastError
from inkfast.core.io import cannot_write, write_bytes
from inkfast.data.base import DATA_SOURCES, DownloadedSource, Fetched, Report, no_report
from inkfast.data.unipen_archive import convert_archive
from inkfast.data.zenodo import fetch_record_file, find_record_file
from inkfast.synthetic.hands import split_writers
from inkfast.synthetic.pen_strokes import (
    PenStrokes,
    StrokeKind,
    find_pen_strokes,
    load_pen_strokes,
    pen_stroke_folders,
    read_pen_strokes,
)
from inkfast.synthetic.stroke_images import draw_digits

RECORD = "https://zenodo.org/api/records/1195803"
_ARCHIVE = "train_r01_v07.tgz"  # end of the archive's name in the record
_KINDS: tuple[StrokeKind, ...] = get_args(StrokeKind)
_ADVICE = (
    "Check the network and try again, or copy digits.npz, symbols.npz and letters.npz from another "
    "machine's cache into $INKFAST_DATA/unipen."
)


@DATA_SOURCES.register
@dataclass(frozen=True, kw_only=True)
class UnipenSource(DownloadedSource):
    """UniPen's isolated digits from disk; `load` downloads nothing."""

    name: ClassVar[str] = "unipen"
    title: ClassVar[str] = "UniPen"
    description: ClassVar[str] = (
        "digits of more than 200 writers, drawn from pen strokes (Guyon et al. 1994)"
    )
    checked: ClassVar[str] = "checked by the MD5 of Zenodo record 1195803"
    attribution: ClassVar[str] = (
        "UniPen train_r01_v07, International Unipen Foundation, CC BY 4.0, "
        "doi 10.5281/zenodo.1195803. To cite: I. Guyon, L. Schomaker, R. Plamondon, M. Liberman, "
        "S. Janet, UNIPEN project of on-line data exchange and recognizer benchmarks, ICPR 1994."
    )

    def load(self, report: Report = no_report) -> Source:
        return load_unipen()

    def find(self) -> Path | None:
        return find_pen_strokes("digits")

    def fetch(self, report: Report) -> Fetched:
        return fetch_unipen(report)

    def verify(self, folder: Path) -> list[tuple[str, str]]:
        return [(f"{kind}.npz", _check_strokes(folder / f"{kind}.npz")) for kind in _KINDS]


def load_unipen() -> Source:
    """Return UniPen's digits, drawn as MNIST's are; no writer is in both parts.

    Raises:
        InkfastError: If they are not on this machine, or the file is damaged.
    """
    strokes = load_pen_strokes("digits")
    if not all(len(label) == 1 and label in "0123456789" for label in strokes.labels.tolist()):
        raise InkfastError(f"{strokes.name}: expected labels from 0 to 9, got others.")
    labels, writers = strokes.labels.astype(np.int64), strokes.writers.astype(np.int64)
    digits = Digits(draw_digits(strokes), labels, "unipen", writers)
    is_test = np.isin(strokes.writer_names, sorted(_test_writers()))[writers]
    test = digits.pick(np.flatnonzero(is_test), "unipen test") if is_test.any() else None
    train = digits.pick(_new_images(digits, np.flatnonzero(~is_test), test), "unipen train")
    return Source(train, test, "unipen")


def _test_writers() -> frozenset[str]:
    """Return the writers on whom number readers are not trained either, see `split_writers`."""
    kinds = [load_pen_strokes(kind) for kind in _KINDS if find_pen_strokes(kind)]
    return split_writers(str(name) for strokes in kinds for name in strokes.writer_names)[1]


def _new_images(digits: Digits, rows: Indices, test: Digits | None) -> Indices:
    """Return the rows without those whose image, such as a straight 1, is a test image too."""
    seen = set() if test is None else {image.tobytes() for image in test.images}
    return np.array([row for row in rows if digits.images[row].tobytes() not in seen], np.int64)


def fetch_unipen(report: Report) -> Fetched:
    """Download UniPen's archive from Zenodo and convert it to pen strokes in the user's cache.

    Args:
        report: Called with the progress of the download and of reading the archive.

    Raises:
        InkfastError: If the archive cannot be had, or is not what its record says.
    """
    folder = pen_stroke_folders()[-1]
    if all(_check_strokes(folder / f"{kind}.npz") == "ok" for kind in _KINDS):
        return Fetched(folder)
    wanted = find_record_file(RECORD, _ARCHIVE, _ADVICE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".archive-") as temporary:
            archive = fetch_record_file(wanted, Path(temporary), report, _ADVICE)
            found, left_out = convert_archive(archive, report)
    except OSError as error:
        raise cannot_write(folder, error) from None
    for kind, strokes in found.items():
        write_bytes(folder / f"{kind}.npz", _as_npz(strokes))
    counts = ", ".join(f"{len(found[kind]):,} {kind}" for kind in _KINDS)
    reasons = "; ".join(f"{n:,} because {reason}" for reason, n in left_out.items())
    return Fetched(folder, f"{counts}. Segments left out: {reasons or 'none'}.")


def _as_npz(strokes: PenStrokes) -> bytes:
    arrays = {f.name: getattr(strokes, f.name) for f in fields(strokes) if f.name != "name"}
    if set(strokes.labels.tolist()) <= set("0123456789"):
        arrays["labels"] = strokes.labels.astype(np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _check_strokes(path: Path) -> str:
    if not path.is_file():
        return f"missing in {path.parent}"
    try:
        read_pen_strokes(path)
    except InkfastError as error:
        return str(error)
    return "ok"
