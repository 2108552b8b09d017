"""Sums and maxima over the alignments of texts with frames, as in CTC.

A path has one label per frame: a character or the blank, which is the last. Its text follows by
merging equal neighbours and leaving out blanks. Source: Graves, Fernandez, Gomez and Schmidhuber
(2006), Connectionist Temporal Classification.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def completion_masses(
    frames: Floats, next_state: NDArray[np.int64], accepting: NDArray[np.bool_]
) -> Floats:
    """Return the probability that the remaining frames complete a text that is accepted.

    Args:
        frames: Probabilities of labels, float64 ``(T, C + 1)``.
        next_state: State of the automaton after each character, int64 ``(S, C)``.
        accepting: Whether a text may end in each state, bool ``(S,)``.

    Returns:
        Float64 ``(T + 1, S, C + 1)`` by number of frames read, state, and label of the last frame.
        With no frame read and the blank as last label, it is the probability of all accepted texts.
    """
    characters = np.arange(next_state.shape[1])
    masses = np.empty((len(frames) + 1, len(accepting), frames.shape[1]))
    masses[-1] = accepting[:, None]
    for t in range(len(frames) - 1, -1, -1):
        after, now, p = masses[t + 1], masses[t], frames[t]
        added = after[next_state, characters] * p[:-1]  # by a new character
        anything = added.sum(axis=1) + after[:, -1] * p[-1]
        now[:, -1] = anything
        # the character of the last frame is not added again without a blank, but may go on
        np.subtract(anything[:, None], added, out=now[:, :-1])
        now[:, :-1] += after[:, :-1] * p[:-1]
        np.maximum(now, 0, out=now)  # the difference of nearly equal numbers may be below 0
    return masses


class Trellis:
    """Sums over the alignments of texts with the first frames, and the best alignment of the first.

    Args:
        frames: Probabilities of labels, float64 ``(T, C + 1)``.
        texts: Labels of the characters of each text, at least one text.

    Attributes:
        masses: Probability of each text, float64 ``(n,)``.
    """

    def __init__(self, frames: Floats, texts: Sequence[Sequence[int]]) -> None:
        labels = _label_places(texts, frames.shape[1] - 1)
        self._emitted = frames[:, labels]
        self._direct = np.zeros(labels.shape)  # whether a character needs no blank before it
        self._direct[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
        self._lengths = [len(text) for text in texts]
        self._sums = _fill(self._emitted, self._direct, _SUMS)
        ends = zip(self._sums[-1], self._lengths, strict=True)
        self.masses = np.array([row[2 * n + 1 : 2 * n + 3].sum() for row, n in ends])

    def entries(self, row: int) -> Floats:
        """Return the probability that each character of a text begins at each frame.

        Float64 ``(T, L)``: the sum over all alignments of the text up to this frame.
        """
        before, n = self._sums[:-1, row], 2 * self._lengths[row]
        entered = before[:, 1:-1] + before[:, :-2] * self._direct[row]
        return np.asarray((entered * self._emitted[:, row])[:, 1:n:2])

    def places(self, row: int) -> list[tuple[int, int]]:
        """Return first and last frame of each character of a text, in its best alignment."""
        length, direct = self._lengths[row], self._direct[row]
        with np.errstate(divide="ignore"):  # -inf where a blank must come between
            emitted, skips = np.log(self._emitted[:, [row]]), np.log(self._direct[[row]])
        best = _fill(emitted, skips, _MAXIMA)[:, 0]
        place = 2 * length - bool(best[-1, 2 * length + 1] > best[-1, 2 * length + 2])
        frames: list[list[int]] = [[] for _ in range(2 * length + 1)]  # by place
        for t in range(len(best) - 2, -1, -1):
            frames[place].append(t)
            stay, step, skip = best[t, place : place + 3][::-1].tolist()
            skip = skip if direct[place] else -np.inf
            if max(step, skip) > stay:
                place -= 1 if step >= skip else 2
        return [(found[-1], found[0]) for found in frames[1::2]]


def text_posteriors(log_probs: Floats, texts: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    """Return how probable texts are, and how probable each label then is at each frame.

    The gradient of the first by the log-probabilities is the second (section 4.1 of the source).

    Args:
        log_probs: Logarithms of the probabilities of labels, float64 ``(T, n, C + 1)``: one strip
            for each text. Frames after a strip's end have log-probability 0 for the blank, else
            ``-inf``.
        texts: Labels of the characters of each text; a text may be empty.

    Returns:
        Log-likelihoods ``(n,)``, ``-inf`` where there are too few frames for a text, and
        probabilities ``(T, n, C + 1)``, 0 where there are too few.
    """
    rows, labels = np.arange(len(texts))[:, None], _label_places(texts, log_probs.shape[2] - 1)
    ends = 2 * np.array([[len(text)] for text in texts])  # place of the last blank
    from_end = ends - np.arange(labels.shape[1])
    forward = _align(log_probs, texts)
    backward = _align(log_probs[::-1], [text[::-1] for text in texts])[::-1]
    last = np.where(ends > 0, forward[-1, rows, ends - 1], -np.inf)
    likelihood = np.logaddexp(forward[-1, rows, ends], last)
    emitted = log_probs[:, rows, labels]
    possible = (from_end >= 0) & np.isfinite(likelihood) & np.isfinite(emitted)
    with np.errstate(invalid="ignore"):  # -inf - -inf, which is not possible
        joint = forward + backward[:, rows, from_end.clip(0)] - emitted - likelihood
        shares = np.where(possible, np.exp(joint), 0.0)
    posteriors = np.zeros_like(log_probs)
    for place in range(labels.shape[1]):
        posteriors[:, rows[:, 0], labels[:, place]] += shares[:, :, place]
    return likelihood[:, 0], posteriors


def _label_places(texts: Sequence[Sequence[int]], blank: int) -> NDArray[np.int64]:
    """Return the label of each place, int64 ``(n, places)``: a blank before, between and after."""
    labels = np.full((len(texts), 2 * max(map(len, texts)) + 1), blank)
    for row, text in zip(labels, texts, strict=True):
        row[1 : 2 * len(text) : 2] = text
    return labels


def _align(log_probs: Floats, texts: Sequence[Sequence[int]]) -> Floats:
    """Return log-sums over the alignments up to each frame, by place: ``(T, n, places)``."""
    labels = _label_places(texts, log_probs.shape[2] - 1)
    direct = np.full(labels.shape, -np.inf)
    direct[:, 3::2] = np.where(labels[:, 3::2] != labels[:, 1:-2:2], 0.0, -np.inf)
    emitted = log_probs[:, np.arange(len(texts))[:, None], labels]
    return _fill(emitted, direct, _LOG_SUMS)[1:, :, 2:]


class _Semiring(NamedTuple):
    """How alignments are combined: the operations of their values, and the values 0 and 1."""

    plus: np.ufunc
    times: np.ufunc
    zero: float
    one: float


_SUMS = _Semiring(np.add, np.multiply, 0.0, 1.0)
_LOG_SUMS = _Semiring(np.logaddexp, np.add, -np.inf, 0.0)  # of logarithms
_MAXIMA = _Semiring(np.maximum, np.add, -np.inf, 0.0)  # of logarithms


def _fill(emitted: Floats, direct: Floats, semiring: _Semiring) -> Floats:
    """Return sums or maxima over the alignments of texts with the first frames.

    Args:
        emitted: Value of the label of each place, float64 ``(T, n, places)``.
        direct: "One" for each character that needs no blank before it, else "zero".
        semiring: Meaning of the values.

    Returns:
        Float64 ``(T + 1, n, 2 + places)`` by number of frames; the first two places stay "zero".
    """
    plus, times, zero, one = semiring
    values = np.full((len(emitted) + 1, len(direct), direct.shape[1] + 2), zero)
    values[0, :, 2] = one
    for before, p, after in zip(values[:-1], emitted, values[1:], strict=True):
        come = plus(before[:, 2:], before[:, 1:-1])
        plus(come, times(before[:, :-2], direct), out=come)
        times(come, p, out=after[:, 2:])
    return values
