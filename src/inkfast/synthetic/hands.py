"""Hands: where the glyphs of a synthetic number come from, in one writer's style per number.

A glyph is either lines in units of the digit's height (0 at the top, 1 at the base line) or a
raster of ink. Symbols are always lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Indices
from inkfast.synthetic.handwriting import RARE_STYLES, STYLES, parse_stroke, smooth_line
from inkfast.synthetic.pen_strokes import PenStrokes
from inkfast.synthetic.pens import Ink, Line, smooth

Rng = np.random.Generator
_COARSE = ("app", "tos")  # contributors whose tablets recorded staircases

# Where a symbol lies: its middle and its larger side, in digit heights. By eye.
_SYMBOLS = {
    ".": (0.95, 0.1), ",": (1.02, 0.3), "-": (0.52, 0.45), "/": (0.5, 1.5), ":": (0.65, 0.45),
    "+": (0.55, 0.55), "=": (0.55, 0.5), "(": (0.5, 1.2), ")": (0.5, 1.2), "#": (0.5, 0.9),
    "*": (0.35, 0.4), "$": (0.5, 1.2), "%": (0.5, 0.95), "?": (0.55, 0.95),
}  # fmt: skip
# Letters and signs that cannot be taken for a digit or for a symbol of the alphabet.
_UNKNOWN_LETTERS = "EFHKMNRUVWXaekmnruvwx"
_UNKNOWN_SYMBOLS = "&@[]{}<>^~"
_EURO: tuple[list[list[float]], ...] = (
    [
        [0.95, 0.1],
        [0.7, 0.0],
        [0.45, 0.05],
        [0.25, 0.3],
        [0.22, 0.6],
        [0.4, 0.92],
        [0.7, 1.0],
        [0.95, 0.88],
    ],
    [[0.0, 0.4], [0.75, 0.38]],
    [[0.0, 0.62], [0.7, 0.6]],
)

_STYLES = STYLES + RARE_STYLES


@dataclass(frozen=True)
class Glyph:
    """One character of a hand.

    Attributes:
        lines: Strokes in units of the digit's height; empty if the glyph is a raster.
        raster: Ink cropped to what is written, or None.
        height: Height of the raster in units of the digit's height.
    """

    lines: tuple[Line, ...] = ()
    raster: Ink | None = None
    height: float = 1.0


class Hand(Protocol):
    """A writer of one number."""

    def glyph(self, character: str, rng: Rng) -> Glyph:
        """Return a character as this writer writes it."""
        ...


@dataclass(frozen=True)
class StrokeLibrary:
    """Pen strokes by character and by writer.

    Args:
        digits: Strokes of digits.
        symbols: Strokes of symbols.
        letters: Strokes of letters.
        writers: Names of the writers whose strokes are used.
    """

    digits: PenStrokes
    symbols: PenStrokes
    letters: PenStrokes
    writers: frozenset[str]
    _by_character: dict[str, list[tuple[PenStrokes, int]]] = field(default_factory=dict)
    _by_writer: dict[tuple[str, str], list[tuple[PenStrokes, int]]] = field(default_factory=dict)
    _contributors: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for strokes in (self.digits, self.symbols, self.letters):
            for i in range(len(strokes)):
                writer, character = strokes.writer(i), _character(str(strokes.label(i)))
                if writer in self.writers and character:
                    self._by_character.setdefault(character, []).append((strokes, i))
                    self._by_writer.setdefault((writer, character), []).append((strokes, i))
        for writer in sorted(
            {self.digits.writer(i) for i in range(len(self.digits))} & self.writers
        ):
            self._contributors.setdefault(writer[:3], []).append(writer)

    def sample_hand(self, rng: Rng) -> WriterHand:
        """Return a random writer's hand; a contributor counts by the root of its writers."""
        names = sorted(self._contributors)
        shares = np.sqrt([len(self._contributors[name]) for name in names])
        contributor = names[rng.choice(len(names), p=shares / shares.sum())]
        writers = self._contributors[contributor]
        return WriterHand(self, writers[rng.integers(len(writers))])

    def sample(self, writer: str, character: str, rng: Rng) -> tuple[PenStrokes, int]:
        """Return a sample by the writer, or by any if the writer did not write the character."""
        own = self._by_writer.get((writer, character)) or self._by_character[character]
        return own[rng.integers(len(own))]


def split_writers(names: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the writers to train on and those left out: every sixth of each contributor."""
    writers = frozenset(names)
    contributors: dict[str, list[str]] = {}
    for name in sorted(writers):
        contributors.setdefault(name[:3], []).append(name)
    left_out = frozenset(name for own in contributors.values() for name in own[3::6])
    return writers - left_out, left_out


def _character(label: str) -> str:
    """Return the character of the alphabet that a label stands for; "" to leave it out."""
    if label.isdigit() or (label in _SYMBOLS and label != "?"):
        return label
    return "?" if label in _UNKNOWN_LETTERS or label in _UNKNOWN_SYMBOLS else ""


@dataclass(frozen=True)
class WriterHand:
    """The hand of one writer of pen strokes."""

    library: StrokeLibrary
    writer: str

    def glyph(self, character: str, rng: Rng) -> Glyph:
        """See `Hand`."""
        if character == "?" and rng.random() < 0.15:
            return Glyph(tuple(np.array(line) for line in _EURO))
        strokes, i = self.library.sample(self.writer, character, rng)
        coarse = strokes.writer(i)[:3] in _COARSE
        lines = [smooth(line / 1000.0, 3 if coarse else 1) for line in strokes.strokes(i)]
        size = float(strokes.size[i])
        if character.isdigit():
            size = 1.0 if np.isnan(size) else float(np.clip(size, 0.7, 1.4))
            return Glyph(tuple(_on_base_line(lines, size)))
        return Glyph(tuple(place_symbol(character, lines, rng)))


@dataclass(frozen=True)
class StyleHand:
    """Digits in drawn styles that are rare in MNIST and UniPen; symbols by a writer."""

    symbols: WriterHand
    chosen: dict[str, int] = field(default_factory=dict)

    def glyph(self, character: str, rng: Rng) -> Glyph:
        """See `Hand`."""
        if not character.isdigit():
            return self.symbols.glyph(character, rng)
        own = [i for i, style in enumerate(_STYLES) if style.digit == int(character)]
        style = _STYLES[self.chosen.setdefault(character, own[rng.integers(len(own))])]
        narrow = np.array([rng.uniform(0.45, 0.9), 1.0])
        lines = []
        for text in style.strokes:
            points, corners = parse_stroke(text)
            moved = points * narrow + rng.normal(0, rng.uniform(0.01, 0.06), points.shape)
            lines.append(smooth_line(moved[None], corners)[0])
        return Glyph(tuple(_on_base_line(lines, 1.0, normalise=False)))


@dataclass(frozen=True)
class MixedHand:
    """A hand that writes some digits in drawn styles."""

    usual: Hand
    styles: StyleHand
    drawn: frozenset[str]

    def glyph(self, character: str, rng: Rng) -> Glyph:
        """See `Hand`."""
        return (self.styles if character in self.drawn else self.usual).glyph(character, rng)


@dataclass(frozen=True, eq=False)
class RasterDigits:
    """Images of digits and the rows of each.

    Args:
        digits: Images with labels.
    """

    digits: Digits
    rows: dict[str, Indices] = field(default_factory=dict)

    def __post_init__(self) -> None:
        labels = self.digits.known_labels
        self.rows.update({str(k): np.flatnonzero(labels == k) for k in np.unique(labels)})


@dataclass(frozen=True)
class RasterHand:
    """Digits of a data set of images; symbols by a writer."""

    source: RasterDigits
    symbols: WriterHand

    def glyph(self, character: str, rng: Rng) -> Glyph:
        """See `Hand`."""
        if character not in self.source.rows:
            return self.symbols.glyph(character, rng)
        rows = self.source.rows[character]
        return Glyph(raster=crop_ink(self.source.digits.images[rows[rng.integers(len(rows))]]))


def crop_ink(image: NDArray[np.uint8]) -> Ink:
    """Return the ink of an image with bright ink, cropped to what is at least a third of it."""
    ink = image.astype(np.float32) / 255
    rows, columns = (
        np.flatnonzero((ink > 0.33).any(axis=1)),
        np.flatnonzero((ink > 0.33).any(axis=0)),
    )
    if not len(rows):
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _on_base_line(lines: Sequence[Line], size: float, *, normalise: bool = True) -> list[Line]:
    """Return a digit's lines standing on the base line, its larger side `size` digit heights."""
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max(float((high - low).max()), 1e-6) if normalise else 1.0
    return [(line - [low[0], high[1]]) * scale + [0, 1] for line in lines]


def place_symbol(character: str, lines: Sequence[Line], rng: Rng) -> list[Line]:
    """Return a symbol's lines at its height above the base line, with some variation."""
    middle, size = _SYMBOLS[character]
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    spread = 0.1 if character == "/" else 0.25  # a stroke as high as the digits is a 1
    scale = size * np.exp(rng.normal(0, spread)) / max(float((high - low).max()), 1e-6)
    stretch = np.array([scale, scale])
    if character in "-=" and rng.random() < 0.5:  # a long dash that fills the line
        stretch[0] *= np.exp(rng.uniform(-0.4, 1.3))
    middle += rng.normal(0, 0.06)
    if character == "." and rng.random() < 0.15:  # raised, as between thousands
        middle -= rng.uniform(0.1, 0.5)
    centre = np.array([low[0], (low[1] + high[1]) / 2])
    moved = [(line - centre) * stretch + [0, middle] for line in lines]
    return [_press(line, rng) for line in moved] if character in ".:" else moved


def _press(dot: Line, rng: Rng) -> Line:
    """Return a dot that is larger than the pen's point, as people press it."""
    size = rng.uniform(0.03, 0.11)
    if np.ptp(dot, axis=0).max() >= size:
        return dot
    blob = np.array([[0, 0], [size, 0.3 * size], [0.4 * size, 0.7 * size], [0, 0]])
    pressed: Line = dot[0] + blob
    return pressed
