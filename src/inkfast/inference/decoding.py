"""Decoding: from a network's probabilities of characters by frame to the reading of a number.

What is known of the number beforehand takes part in the search: the probability of a text is that
of all its alignments (paths), and its confidence is its share among all texts that are expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.inference.ctc import Floats, Trellis, completion_masses
from inkfast.inference.expectation import Expectation
from inkfast.inference.numbers import ALPHABET, DIGITS, Character, NumberReading
from inkfast.inference.prefix_search import likely_texts
from inkfast.inference.regex_automaton import START

NOT_EXPECTED = "this does not look like the expected pattern"
# If all expected texts together are less probable than this, the confidence is not a share among
# them but lower, and the reading is unsure: the network contradicts the expectation. On 250 cheques
# with the right number of digits it cost no sure number against 0.0001; of those with one digit
# too few expected, 6 % were still sure instead of 40 %.
MIN_EXPECTED = 0.1
CERTAIN = 0.98  # confidence from which one view of a strip is enough
_MIN_MASS = 1e-200  # below it, floats of double precision do not tell alignments apart
_MIN_LOG = -80.0  # stands for less, so that no path is impossible
_COMPARED = 3  # texts of the search whose probability is computed exactly

_NO_DIGITS, _GAP = slice(len(DIGITS), len(ALPHABET)), slice(len(ALPHABET) - 1, len(ALPHABET))
_ANY_TEXT = Expectation.compile(".*")


def decode(
    log_probs: NDArray[np.float32],
    expectation: Expectation | None = None,
    *,
    digits_only: bool = False,
    temperature: float = 1.0,
) -> NumberReading:
    """Return the most probable text of a strip, with its confidence and its characters.

    The confidence of the text is its probability divided by that of all expected texts; 1 if every
    text is. The confidence of a character is the probability that, after the characters to its
    left, it comes next (a quotient of two prefix probabilities of Graves et al. (2006), section
    3.2), also among expected texts; so it is never below the confidence of the text. Its place are
    the frames that carry it in the most probable alignment of the text.

    Args:
        log_probs: Logarithms of the probabilities of characters at each frame from left to right,
            float32 ``(T, len(ALPHABET) + 1)``; the blank of CTC is the last.
        expectation: Texts that the number may have; every text by default.
        digits_only: Whether other characters are left out; the expectation applies to what is
            left. They part digits as the blank does, so ``1-1`` is 11.
        temperature: Number that the logarithms are divided by, see
            `inkfast.evaluation.number_calibration.fit_number_temperature`.

    Returns:
        The reading. It is unsure if the strip does not look like the expectation, and its text is
        empty if there are too few frames for every expected text.

    Raises:
        InkfastError: If `log_probs` has another shape or holds NaN.

    Source: Graves, Fernandez, Gomez and Schmidhuber (2006), Connectionist Temporal Classification.
    """
    return decode_views([log_probs], expectation, digits_only=digits_only, temperature=temperature)


def decode_views(
    views: Sequence[NDArray[np.float32]],
    expectation: Expectation | None = None,
    *,
    digits_only: bool = False,
    gaps: bool = True,
    temperature: float = 1.0,
) -> NumberReading:
    """Return the most probable text of a strip that a network saw in several views.

    If the first view is certain, it counts alone. Else confidences are means over the views; places
    are those of the first.

    Args:
        views: Log-probabilities of each view, see `decode`, at least one.
        expectation: See `decode`, as for the other arguments.
        digits_only: Whether other characters are left out.
        gaps: Whether there may be gaps; without, they part characters as the blank does.
        temperature: Number that the logarithms are divided by.
    """
    left_out = _NO_DIGITS if digits_only else slice(0, 0) if gaps else _GAP
    first, *others = (_see(view, expectation, left_out, temperature) for view in views)
    if first.expected < _MIN_MASS or not first.texts:
        return NumberReading("", 0.0, "", 0.0, (), NOT_EXPECTED)
    alone = _combine([first])
    if not others or alone.confidence >= CERTAIN:
        return alone
    return _combine([first, *(view for view in others if view.expected >= _MIN_MASS)])


def _combine(seen: Sequence[_View]) -> NumberReading:
    """Return the reading of all views together."""
    texts = [list(text) for text in {tuple(text): None for view in seen for text in view.texts}]
    trellises = [Trellis(view.frames, texts) for view in seen]
    shares = np.mean(
        [
            np.minimum(trellis.masses / max(view.expected, MIN_EXPECTED), 1)
            for trellis, view in zip(trellises, seen, strict=True)
        ],
        axis=0,
    )
    shares[trellises[0].masses == 0] = 0  # its places count
    order = np.argsort(-shares, kind="stable").tolist()
    ranked = [*((_spell(texts[row]), float(shares[row])) for row in order), ("", 0.0)]
    by_view = [
        _characters(texts[order[0]], trellis, order[0], view)
        for trellis, view in zip(trellises, seen, strict=True)
    ]
    characters = tuple(
        replace(one, confidence=float(np.mean([same.confidence for same in (one, *others)])))
        for one, *others in zip(*by_view, strict=True)
    )
    sure = max(view.expected for view in seen) >= MIN_EXPECTED
    (text, confidence), (runner_up, runner_up_confidence) = ranked[:2]
    return NumberReading(
        text,
        confidence,
        runner_up,
        runner_up_confidence,
        characters,
        "" if sure else NOT_EXPECTED,
    )


@dataclass(frozen=True)
class _View:
    """What a search needs of one view, and what it found.

    Attributes:
        frames: Probabilities of labels, float64 ``(T, labels)``.
        next_state: State of the automaton after each character.
        completions: See `inkfast.inference.ctc.completion_masses`.
        texts: Labels of the most probable texts.
    """

    frames: Floats
    next_state: NDArray[np.int64]
    completions: Floats
    texts: list[list[int]]

    @property
    def expected(self) -> float:
        """Probability of all expected texts."""
        return float(self.completions[0, START, -1])


def _see(
    log_probs: NDArray[np.float32],
    expectation: Expectation | None,
    left_out: slice,
    temperature: float,
) -> _View:
    automaton = expectation or _ANY_TEXT
    frames, next_state = _probabilities(log_probs, temperature), automaton.next_state
    if left_out.stop:
        frames = _leave_out(frames, left_out)
        next_state = next_state[:, : left_out.start]
    completions = np.broadcast_to(1.0, (len(frames) + 1, len(next_state), frames.shape[1]))
    if expectation is not None:
        completions = completion_masses(frames, next_state, automaton.accepting)
    texts = likely_texts(frames, next_state, completions, _COMPARED)
    return _View(frames, next_state, completions, texts)


def _probabilities(log_probs: NDArray[np.float32], temperature: float) -> Floats:
    """Return the probabilities of labels at each frame, float64 ``(T, labels)``."""
    labels = len(ALPHABET) + 1
    if log_probs.ndim != 2 or log_probs.shape[1] != labels or not (log_probs < np.inf).all():
        raise InkfastError(
            f"log-probabilities must be finite or -inf, of shape (frames, {labels}), got "
            f"{log_probs.dtype} of shape {log_probs.shape}."
        )
    scaled = np.maximum(log_probs.astype(np.float64), _MIN_LOG) / temperature
    p = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def _leave_out(frames: Floats, labels: slice) -> Floats:
    """Return probabilities without the last labels of the alphabet, which count as the blank.

    They are left out after equal neighbours are merged, so they part two equal digits as it does.
    """
    kept = frames[:, : labels.start]
    return np.column_stack((kept, frames[:, labels.start :].sum(axis=1)))


def _characters(text: list[int], trellis: Trellis, row: int, view: _View) -> list[Character]:
    """Return the characters of a text, which is in the given row of a view's trellis."""
    if not trellis.masses[row]:
        return [Character(ALPHABET[label], 0.0, 0.0, 0.0) for label in text]
    completions = view.completions
    width, places = max(len(completions) - 1, 1), trellis.places(row)
    characters, state, before = [], START, completions[0, START, -1]
    for label, begins, (start, end) in zip(text, trellis.entries(row).T, places, strict=True):
        state = view.next_state[state, label]
        prefix = begins @ completions[1:, state, label]
        confidence = float(min(prefix / before, 1.0)) if before else 0.0
        characters.append(Character(ALPHABET[label], confidence, start / width, (end + 1) / width))
        before = prefix
    return characters


def _spell(text: list[int]) -> str:
    return "".join(ALPHABET[label] for label in text)
