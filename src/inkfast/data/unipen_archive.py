"""UniPen's archive: from the tar.gz of `train_r01_v07` to pen strokes of digits, symbols, letters.

The archive is read in passes: first the lists of characters, ``data/1a/CONTRIBUTOR/*.dat``, then
the files of strokes that they include, ``include/...``. Nothing in it is written to the disk.
"""

from __future__ import annotations

import posixpath
import string
import tarfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.data.base import Report
from inkfast.data.unipen_format import (
    PenDocument,
    Points,
    included_files,
    read_document,
    resolve_include,
)
from inkfast.synthetic.pen_strokes import UNITS, PenStrokes, StrokeKind

# Folders of isolated characters, and what is kept of each. `\@` is UniPen's label of strokes that
# belong to no character.
_FOLDERS: dict[str, StrokeKind] = {
    "1a": "digits",
    "1b": "letters",
    "1c": "letters",
    "1d": "symbols",
}
_LABELS: dict[StrokeKind, frozenset[str]] = {
    "digits": frozenset(string.digits),
    "letters": frozenset(string.ascii_letters),
    "symbols": frozenset([*string.punctuation, "\\@"]),
}
_ROOT = "train_r01_v07/"
_MOST_BYTES = 1 << 30  # of text that is kept in memory; the real archive has half of it
_LEAST_MEASURED = (
    3  # digits and letters of a document that give its usual size; chosen by judgement
)


@dataclass(frozen=True)
class _Sample:
    """One character.

    Attributes:
        strokes: Strokes in units of the file, int16 ``(points, 2)`` each.
        label: Character.
        extent: Larger side in units of the tablet.
        writer: Contributor and identifier of the writer.
        document: File of the strokes.
    """

    strokes: list[NDArray[np.int16]]
    label: str
    extent: float
    writer: tuple[str, str]
    document: str


def convert_archive(
    path: Path, report: Report
) -> tuple[dict[StrokeKind, PenStrokes], dict[str, int]]:
    """Return the pen strokes of an archive by kind, and how many segments were left out and why.

    Args:
        path: Path of the tar.gz.
        report: Called with the progress of each pass.

    Raises:
        InkfastError: If the archive is damaged, too large, or has no digits, symbols or letters.
    """
    lists, files = _collect_texts(path, report)
    samples: dict[StrokeKind, list[_Sample]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for name in sorted(lists):
        document = read_document(name, files)
        kind = _FOLDERS[name.split("/")[1]]
        samples[kind] += _cut_samples(document, name, _LABELS[kind], left_out)
    for kind in _LABELS:
        if not samples[kind]:
            raise InkfastError(
                f"{path}: expected {kind} in the folders data/1a to 1d of UniPen's train_r01_v07, "
                "got none."
            )
    names = _name_writers([sample.writer for own in samples.values() for sample in own])
    sizes = _usual_sizes([*samples["digits"], *samples["letters"]])
    found = {kind: _as_pen_strokes(own, names, sizes, str(path)) for kind, own in samples.items()}
    return found, dict(left_out)


def _collect_texts(path: Path, report: Report) -> tuple[set[str], dict[str, str]]:
    """Return the names of the lists of characters, and the text of these and all they include."""
    files = _read_pass(path, _is_list, report)
    lists, looked_for = set(files), set[str]()
    while wanted := _wanted_files(files) - looked_for:
        files |= _read_pass(path, wanted.__contains__, report)
        looked_for |= wanted
        if sum(map(len, files.values())) > _MOST_BYTES:
            raise InkfastError(f"{path}: expected at most {_MOST_BYTES:,} bytes of text, got more.")
    return lists, files


def _is_list(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "data" and len(parts) > 3 and parts[1] in _FOLDERS and name.endswith(".dat")


def _wanted_files(files: Mapping[str, str]) -> set[str]:
    """Return where the included files that are not read yet may lie."""
    return {
        posixpath.normpath(posixpath.join(folder, included.lower()))
        for name, text in files.items()
        for included in included_files(text)
        if resolve_include(included, name, files) is None
        for folder in ("include", posixpath.dirname(name))
    }


def _read_pass(path: Path, wanted: Callable[[str], bool], report: Report) -> dict[str, str]:
    """Read the archive once; return the text of the files that are wanted."""
    found, total = {}, path.stat().st_size
    try:
        with path.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as archive:
            kept = 0
            for member in archive:
                name = _file_name(member)
                if not name or not wanted(name):
                    continue
                kept += member.size
                if kept > _MOST_BYTES:
                    raise InkfastError(f"{path}: expected less text in {member.name!r}.")
                file = archive.extractfile(member)
                found[name] = file.read().decode("latin-1") if file else ""
                report(f"reading {path.name}", raw.tell(), total)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise InkfastError(f"{path} cannot be read: {error or 'it is damaged'}.") from None
    report(f"reading {path.name}", total, total)
    return found


def _file_name(member: tarfile.TarInfo) -> str:
    """Return the name of a file below the archive's root in lower case, "" for anything else.

    Links and names that lead out of the archive are nothing that UniPen needs.
    """
    _, found, below = member.name.rpartition(_ROOT)
    name = posixpath.normpath(below if found else member.name)
    outside = name.startswith(("/", "../")) or ".." in member.name.split("/")
    return "" if outside or not member.isreg() else name.lower()


def _cut_samples(
    document: PenDocument, name: str, labels: frozenset[str], left_out: Counter[str]
) -> Iterator[_Sample]:
    """Yield the characters of a document; count what is left out."""
    contributor = name.split("/")[2]
    if document.missing and not document.strokes:
        left_out["their strokes are not in the archive"] += len(document.segments)
        return
    for segment in document.segments:
        if segment.label not in labels:
            left_out["they have another label"] += 1
            continue
        try:
            strokes = document.cut(segment.delineation)
        except InkfastError:
            left_out["they point outside of their document"] += 1
            continue
        if not strokes:
            left_out["they have no strokes"] += 1
            continue
        # without an identifier, a folder is taken for one writer, so that no writer is split
        writer = document.writer_of(segment.delineation) or posixpath.dirname(document.pen_file)
        lines, extent = _normalized(strokes)
        yield _Sample(lines, segment.label, extent, (contributor, writer), document.pen_file)


def _normalized(strokes: list[Points]) -> tuple[list[NDArray[np.int16]], float]:
    """Return strokes from (0, 0) with a larger side of 1000 units, and that side before."""
    points = np.concatenate(strokes) * [1, -1]  # tablets count y upwards
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    scale = UNITS / extent if extent else 0.0
    lines = [np.rint((stroke * [1, -1] - low) * scale).astype(np.int16) for stroke in strokes]
    return [_without_repeats(line) for line in lines], extent


def _without_repeats(line: NDArray[np.int16]) -> NDArray[np.int16]:
    moved = np.any(np.diff(line, axis=0) != 0, axis=1)
    return np.asarray(line[np.concatenate([[True], moved])], np.int16)


def _name_writers(writers: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a name without personal data for each writer: the contributor and a number."""
    numbers: Counter[str] = Counter()
    names = {}
    for contributor, identifier in sorted(set(writers)):
        numbers[contributor] += 1
        names[contributor, identifier] = f"{contributor}-{numbers[contributor]:03d}"
    return names


def _usual_sizes(samples: list[_Sample]) -> dict[str, float]:
    """Return the median larger side of the digits and letters of each document with enough."""
    extents: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        extents[sample.document].append(sample.extent)
    enough = {name: own for name, own in extents.items() if len(own) >= _LEAST_MEASURED}
    return {name: float(np.median(own)) for name, own in enough.items()}


def _as_pen_strokes(
    samples: list[_Sample], names: Mapping[tuple[str, str], str], sizes: Mapping[str, float],
    origin: str,
) -> PenStrokes:  # fmt: skip
    lines = [line for sample in samples for line in sample.strokes]
    own = sorted({names[sample.writer] for sample in samples})
    number = {name: index for index, name in enumerate(own)}
    size = [sample.extent / (sizes.get(sample.document) or np.nan) for sample in samples]
    return PenStrokes(
        points=np.concatenate(lines),
        stroke_start=np.cumsum([0, *map(len, lines)]).astype(np.int32),
        sample_start=np.cumsum([0, *(len(sample.strokes) for sample in samples)]).astype(np.int32),
        labels=np.array([sample.label for sample in samples]),
        writers=np.array([number[names[sample.writer]] for sample in samples], np.int16),
        writer_names=np.array(own),
        size=np.array(size, np.float32),
        name=origin,
    )
