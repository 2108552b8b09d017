"""The UNIPEN format: what a pen wrote, as text with keywords, and which parts are characters.

A document is a file with the files it includes. Its components are the blocks of pen-down and
pen-up points, numbered from 0; a segment names the components, and points in them, of a character.
Source: Guyon (1994), UNIPEN 1.0 Format Definition. Components are counted as in Uplib 3.03.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError

Points = NDArray[np.float64]  # (points, 2): x to the right, y upwards, in units of the tablet's x

_ENTRY = re.compile(r"^\.(?=[A-Z_])", re.MULTILINE)
_INCLUDE = re.compile(r"^\.INCLUDE\s+(\S+)", re.MULTILINE)
_KEYWORD = re.compile(r"[A-Z_]+")
_SEGMENT = re.compile(r'\s*(\S+)\s+([\d:,\-\s]*?)(?:\s+[^\s"\d]\S*)?\s*"(.*)"\s*$', re.DOTALL)
_PART = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")
_ESCAPE = re.compile(r'\\(["\\])')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LEVELS = ("CHARACTER", "CHAR", "DIGIT")  # of segments that are one character each
_MOST_NESTED = 8  # files that include each other; real ones have two


@dataclass(frozen=True)
class Segment:
    """A labelled character of a document.

    Attributes:
        delineation: Components and points, e.g. ``"0-5:10,6"``.
        label: What was written.
    """

    delineation: str
    label: str


@dataclass
class PenDocument:
    """What one file says, together with the files it includes.

    Attributes:
        strokes: Points of each component; None for pen-up.
        writers: Identifier of the writer of each component, "" if there is none.
        segments: Segments in the order of the file.
        pen_file: File of the first component, "" if there are none.
        missing: Included files that are not there.
        coordinates: Names of the columns of points.
        points_per_mm: Resolution of the tablet along x and y, by axis.
    """

    strokes: list[Points | None] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    pen_file: str = ""
    missing: list[str] = field(default_factory=list)
    coordinates: tuple[str, ...] = ("X", "Y")
    points_per_mm: dict[str, float] = field(default_factory=dict)

    def cut(self, delineation: str) -> list[Points]:
        """Return the strokes of a segment, with equal resolution along x and y.

        Raises:
            InkfastError: If it names components or points that do not exist.
        """
        stretch = self.points_per_mm.get("X", 1.0) / self.points_per_mm.get("Y", 1.0)
        square = self.points_per_mm.keys() >= {"X", "Y"}
        return [
            stroke * [1, stretch if square else 1]
            for component, first, end in self._parse_delineation(delineation)
            if (stroke := self._part(component, first, end)) is not None
        ]

    def writer_of(self, delineation: str) -> str:
        """Return the writer of a segment's first component."""
        return next((self.writers[c] for c, *_ in self._parse_delineation(delineation)), "")

    def _parse_delineation(self, text: str) -> Iterator[tuple[int, int | None, int | None]]:
        """Yield the components of a delineation with their first and last points, None if whole."""
        for part in re.split(r"[,\s]+", text.strip(", \t\r\n")):
            match = _PART.fullmatch(part)
            if match is None:
                raise InkfastError(f"expected components such as 0-5:10,6, got {text!r}.")
            first, start, last, stop = (None if n is None else int(n) for n in match.groups())
            if last is None:  # a single component is whole, as in Uplib, even if a point follows
                last, start = first, None
            if first is None or last is None or not first <= last < len(self.strokes):
                raise InkfastError(f"{text} is outside of the {len(self.strokes)} components.")
            for component in range(first, last + 1):
                yield (
                    component,
                    start if component == first else None,
                    stop if component == last else None,
                )

    def _part(self, component: int, first: int | None, last: int | None) -> Points | None:
        stroke = self.strokes[component]
        if stroke is None:
            return None
        first, last = first or 0, len(stroke) - 1 if last is None else last
        if not first <= last < len(stroke):
            raise InkfastError(
                f"points {first} to {last} are outside of component {component} with {len(stroke)}."
            )
        return stroke[first : last + 1]


def read_document(name: str, files: Mapping[str, str]) -> PenDocument:
    """Read a document and the files it includes.

    Args:
        name: Name of its file.
        files: Text of all files by name; names are relative, with ``/``, in lower case.
    """
    document = PenDocument()
    _Reader(document, files).read(name, 0)
    return document


def included_files(text: str) -> list[str]:
    """Return the files that a text includes, as they are named in it."""
    return _INCLUDE.findall(text)


def resolve_include(included: str, name: str, files: Mapping[str, object]) -> str | None:
    """Return the name of an included file: in the folder ``include`` or beside its includer."""
    for folder in ("include", posixpath.dirname(name)):
        path = posixpath.normpath(posixpath.join(folder, included.lower()))
        if path in files:
            return path
    return None


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Yield keywords and what follows them up to the next keyword."""
    for entry in _ENTRY.split(text.replace("\r\n", "\n").replace("\r", "\n"))[1:]:
        end = cast(re.Match[str], _KEYWORD.match(entry)).end()
        yield entry[:end], entry[end:]


class _Reader:
    """Fills a document entry by entry."""

    def __init__(self, document: PenDocument, files: Mapping[str, str]) -> None:
        self.document = document
        self.files = files
        self.writer = ""

    def read(self, name: str, depth: int) -> None:
        for keyword, body in _entries(self.files[name]):
            if keyword == "INCLUDE" and body.split():
                self._include(body.split()[0], name, depth)
            elif keyword in ("PEN_DOWN", "PEN_UP"):
                self._add_component(body, name, down=keyword == "PEN_DOWN")
            elif keyword == "SEGMENT":
                self._add_segment(body)
            elif keyword == "WRITER_ID":
                self.writer = " ".join(body.split())
            elif keyword == "COORD" and body.split():
                self.document.coordinates = tuple(body.upper().split())
            elif re.fullmatch(r"[XY]_POINTS_PER_(MM|INCH)", keyword):
                self._set_resolution(keyword, body)

    def _include(self, included: str, name: str, depth: int) -> None:
        path = resolve_include(included, name, self.files)
        if path is None or depth >= _MOST_NESTED:
            self.document.missing.append(included)
            return
        self.read(path, depth + 1)

    def _add_component(self, body: str, name: str, *, down: bool) -> None:
        """Add a component; a block without points, as after the last stroke, is not counted."""
        numbers = _leading_numbers(body)
        columns = self.document.coordinates
        if not len(numbers):
            return
        self.document.pen_file = self.document.pen_file or name
        points = numbers[: len(numbers) // len(columns) * len(columns)].reshape(-1, len(columns))
        known = {"X", "Y"} <= set(columns) and len(points) > 0
        axes = [columns.index("X"), columns.index("Y")] if known else []
        self.document.strokes.append(points[:, axes] if down and known else None)
        self.document.writers.append(self.writer)

    def _add_segment(self, body: str) -> None:
        match = _SEGMENT.match(body)
        if match and match[1].upper() in _LEVELS and match[2].strip():
            self.document.segments.append(Segment(match[2], _ESCAPE.sub(r"\1", match[3])))

    def _set_resolution(self, keyword: str, body: str) -> None:
        numbers = _leading_numbers(body)
        if len(numbers) and numbers[0] > 0:
            per_mm = numbers[0] / (25.4 if keyword.endswith("INCH") else 1)
            self.document.points_per_mm[keyword[0]] = float(per_mm)


def _leading_numbers(text: str) -> NDArray[np.float64]:
    """Return the finite numbers at the beginning of a text, as far as they go."""
    words = text.split()
    try:
        numbers = np.array(words, np.float64)
    except ValueError:
        end = next((i for i, w in enumerate(words) if not _NUMBER.fullmatch(w)), 0)
        numbers = np.array(words[:end], np.float64)
    strange = np.flatnonzero(~np.isfinite(numbers))
    return numbers[: strange[0]] if len(strange) else numbers
