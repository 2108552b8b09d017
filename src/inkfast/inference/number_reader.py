"""`NumberReader`: reads strips, and returns numbers with confidence, or why it is unsure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inkfast.inference.decoding import CERTAIN, decode_views
from inkfast.inference.expectation import Expectation
from inkfast.inference.number_network import OnnxNumberNetwork
from inkfast.inference.number_strips import (
    FRAME_WIDTH,
    OTHER_WIDTHS,
    STRIP_HEIGHT,
    STRIP_MARGIN,
    GreyStrip,
    other_views,
    prepare_strip,
)
from inkfast.inference.numbers import OTHER, Character, NumberReading
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import (
    NO_GUARANTEE,
    SHIPPED_FOLDER,
    confidence_threshold,
    model_path,
)

NUMBERS_FOLDER = SHIPPED_FOLDER / "numbers"
DEFAULT_NUMBER_MODEL = "number-reader"  # the shipped network
UNKNOWN_SIGN = "it has a sign that is not known"
_BATCH_SIZE = 8  # strips of a call, so that their activations stay in the cache; not tuned
# How far a character reaches beyond the frames that carry it, in columns: a network answers near
# the middle of a character, whose width it does not tell. By eye.
_REACH = 0.35 * STRIP_HEIGHT


class NumberNetwork(Protocol):
    """A network as a reader of numbers needs it."""

    name: str
    fingerprint: str
    metadata: ModelMetadata

    def log_probabilities(self, strips: GreyStrip) -> NDArray[np.float32]:
        """Return float32 ``(n, frames, characters + 1)`` of prepared strips ``(n, 40, width)``."""
        ...


@dataclass(frozen=True, eq=False)
class SeenStrip:
    """A strip and what a network says of it.

    Attributes:
        image: The prepared strip.
        views: Log-probabilities of its views, see `inkfast.inference.decoding.decode_views`.
        readings: What it was decoded to, by the arguments of `NumberReader.decode`.
    """

    image: GreyStrip
    views: list[NDArray[np.float32]]
    readings: dict[tuple[Expectation | None, bool, bool], NumberReading] = field(
        default_factory=dict
    )


class NumberReader:
    """A network that reads numbers, and is sure of a number only if it is confident enough.

    Args:
        network: Network that gives probabilities of characters.
        threshold: Confidence from which a number is sure, in [0, 1]; above 1 none is.

    Attributes:
        network: Network that gives probabilities of characters.
        threshold: Confidence from which a number is sure.
    """

    def __init__(self, network: NumberNetwork, threshold: float) -> None:
        self.network, self.threshold = network, threshold
        named = network.metadata.number("temperature")
        self._temperature = 1.0 if np.isnan(named) else named

    @classmethod
    def open(
        cls, model: str = DEFAULT_NUMBER_MODEL, max_error: float | None = None, threads: int = 0
    ) -> NumberReader:
        """Open a shipped network by name, or an ONNX file by path.

        Args:
            model: Name of a shipped network, or path of an .onnx file.
            max_error: Largest share of errors among the sure numbers, in (0, 1); the share that
                the file was exported with by default.
            threads: Threads of a call; 0 for all cores.

        Raises:
            InkfastError: If there is no such network, its file was changed, or it guarantees no
                share of errors as small as `max_error`.
        """
        network = OnnxNumberNetwork.open(model_path(model, NUMBERS_FOLDER), threads)
        return cls(network, confidence_threshold(network.metadata, max_error))

    def read(
        self,
        strips: Sequence[GreyStrip],
        *,
        expect: Expectation | None = None,
        digits_only: bool = False,
    ) -> list[NumberReading]:
        """Read strips, each an image of one number or of one line.

        Args:
            strips: Grey images, each uint8 ``(height, width)`` of any size; ink may be dark or
                bright.
            expect: Texts that the numbers may have; every text by default.
            digits_only: Whether characters other than digits are left out.

        Returns:
            A reading for each strip.

        Raises:
            InkfastError: If a strip has another type or shape, is less than 4 pixels high or wide,
                or is more than 100 times as wide as high.
        """
        return self.decode(self.see(strips), expect=expect, digits_only=digits_only)

    def see(self, strips: Sequence[GreyStrip]) -> list[SeenStrip]:
        """Let the network see strips, so that they can be decoded in several ways.

        Args:
            strips: Grey images, see `read`.

        Raises:
            InkfastError: See `read`.
        """
        prepared = [prepare_strip(strip, f"strip {i}") for i, strip in enumerate(strips, start=1)]
        views = log_probabilities_of(self.network, prepared)
        return [SeenStrip(strip, [view]) for strip, view in zip(prepared, views, strict=True)]

    def decode(
        self,
        seen: Sequence[SeenStrip],
        *,
        expect: Expectation | None = None,
        digits_only: bool = False,
        gaps: bool = True,
    ) -> list[NumberReading]:
        """Return the reading of each strip; doubtful ones are seen in other views first.

        Args:
            seen: What `see` returned.
            expect: Texts that the numbers may have; every text by default.
            digits_only: Whether characters other than digits are left out.
            gaps: Whether a strip may show several numbers, with gaps between them.
        """
        key = (expect, digits_only, gaps)

        def decoded(strip: SeenStrip) -> NumberReading:
            reading = decode_views(
                strip.views,
                expect,
                digits_only=digits_only,
                gaps=gaps,
                temperature=self._temperature,
            )
            return self._finish(reading, strip.image.shape[1], len(strip.views[0]))

        new = [strip for strip in seen if key not in strip.readings]
        for strip in new:
            strip.readings[key] = decoded(strip)
        doubtful = [strip for strip in new if strip.readings[key].confidence < CERTAIN]
        self._add_views([strip for strip in doubtful if len(strip.views) == 1])
        for strip in doubtful:
            strip.readings[key] = decoded(strip)
        return [strip.readings[key] for strip in seen]

    def _add_views(self, seen: Sequence[SeenStrip]) -> None:
        """Let the network see strips in other widths."""
        again = [view for strip in seen for view in other_views(strip.image)]
        found = iter(log_probabilities_of(self.network, again))
        for strip in seen:
            strip.views.extend(next(found) for _ in OTHER_WIDTHS)

    def _finish(self, reading: NumberReading, width: int, frames: int) -> NumberReading:
        """Return a reading with places as shares of the strip, and why it is unsure."""
        unsure = reading.unsure or self._why_unsure(reading)
        placed = _place_characters(reading.characters, width, frames)
        return replace(reading, characters=_flag_characters(placed, unsure), unsure=unsure)

    def _why_unsure(self, reading: NumberReading) -> str:
        """Return why a reading is unsure; "" if it is sure."""
        if self.threshold > 1:
            return NO_GUARANTEE
        if reading.confidence < self.threshold:
            return f"it may be {reading.text or 'empty'} or {reading.runner_up or 'empty'}"
        return UNKNOWN_SIGN if OTHER in reading.text else ""


def _flag_characters(characters: tuple[Character, ...], unsure: str) -> tuple[Character, ...]:
    """Return the characters of an unsure number with the reason at those that are to blame.

    They are its unknown signs, or else the character of the lowest confidence.
    """
    if not unsure or not characters:
        return characters
    least = min(characters, key=lambda one: one.confidence)
    blamed = [one for one in characters if one.text == OTHER] or [least]
    return tuple(replace(one, unsure=unsure) if one in blamed else one for one in characters)


def log_probabilities_of(
    network: NumberNetwork, strips: Sequence[GreyStrip]
) -> list[NDArray[np.float32]]:
    """Return what a network says of prepared strips of any width, see `NumberNetwork`.

    Strips of one width are its batches.
    """
    found: dict[int, NDArray[np.float32]] = {}
    for rows in _batches_of_one_width(strips):
        answers = network.log_probabilities(np.stack([strips[row] for row in rows]))
        found |= dict(zip(rows, answers, strict=True))
    return [found[row] for row in range(len(strips))]


def _batches_of_one_width(prepared: Sequence[GreyStrip]) -> Iterator[list[int]]:
    """Yield rows whose strips are equally wide: padding would change what a network sees."""
    rows_by_width: dict[int, list[int]] = defaultdict(list)
    for row, strip in enumerate(prepared):
        rows_by_width[strip.shape[1]].append(row)
    for rows in rows_by_width.values():
        for start in range(0, len(rows), _BATCH_SIZE):
            yield rows[start : start + _BATCH_SIZE]


def _place_characters(
    characters: Iterable[Character], width: int, frames: int
) -> tuple[Character, ...]:
    """Return characters with their ends as shares of the strip instead of the frames.

    The middle of frame ``k`` is column ``4 k`` of the strip with its margins. Neighbours meet
    halfway between the frames that carry them.

    Args:
        characters: Characters, left to right, whose ends are shares of the frames.
        width: Width of the prepared strip, in columns.
        frames: Number of frames.
    """
    given = list(characters)
    if not given:
        return ()
    offset = STRIP_MARGIN + FRAME_WIDTH / 2
    starts = [one.start * frames * FRAME_WIDTH - offset for one in given]
    ends = [one.end * frames * FRAME_WIDTH - offset for one in given]
    borders = [
        -np.inf,
        *((end + start) / 2 for end, start in zip(ends, starts[1:], strict=False)),
        np.inf,
    ]
    placed = []
    for one, start, end, (left, right) in zip(given, starts, ends, pairwise(borders), strict=True):
        inside = np.clip([max(start - _REACH, left), min(end + _REACH, right)], 0, width) / width
        placed.append(replace(one, start=float(inside[0]), end=float(inside[1])))
    return tuple(placed)
