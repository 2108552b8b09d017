"""Beam search for the most probable texts of a strip, over their prefixes.

A prefix collects the probability of all paths that lead to it, and carries the state of the
automaton that has read it. Prefixes are ranked by the probability that they are completed to an
accepted text. Source: Graves, Fernandez, Gomez and Schmidhuber (2006), section 3.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkfast.inference.ctc import Floats
from inkfast.inference.regex_automaton import DEAD, START

BEAM = 24  # prefixes that are kept at a frame
# Share of the best prefix's probability below which a prefix is dropped, and a character not tried.
# What is dropped would be a runner-up that is 10,000 times less probable than the text.
NEGLIGIBLE = 1e-4

_Integers = NDArray[np.int64]


class _Prefixes:
    """Prefixes of texts in a tree; each has a number, the empty one is 0."""

    def __init__(self) -> None:
        self.labels, self.parents = [-1], [-1]
        self._children: dict[tuple[int, int], int] = {}

    def extend(self, prefix: int, label: int) -> int:
        """Return the number of a prefix with one more character."""
        number = self._children.setdefault((prefix, label), len(self.labels))
        if number == len(self.labels):
            self.labels.append(label)
            self.parents.append(prefix)
        return number

    def text(self, prefix: int) -> list[int]:
        """Return the labels of a prefix."""
        labels = []
        while prefix:
            labels.append(self.labels[prefix])
            prefix = self.parents[prefix]
        return labels[::-1]


class _Beam:
    """The prefixes that are kept, in arrays with one entry for each.

    Args:
        next_state: State of the automaton after each character, int64 ``(S, C)``.
        frames: Number of frames.
    """

    def __init__(self, next_state: _Integers, frames: int) -> None:
        blank = next_state.shape[1]
        self._next = np.column_stack((next_state, np.full(len(next_state), DEAD)))
        self._labels = np.arange(blank + 1)
        self._tree = _Prefixes()
        self._prefix = np.array([0])
        self._parent = np.array([-1])  # number of the prefix without its last character
        self._last = np.array([blank])  # its last character; the empty prefix has none
        self._state = np.array([START])
        self._ended = np.array([1.0])  # probability of the paths that end with a blank
        self._open = np.array([0.0])  # and of those that end with the last character
        self._row = np.full(frames * BEAM + 2, -1)  # of each prefix while it is looked up

    def read(self, p: Floats, completions: Floats, quiet: NDArray[np.bool_]) -> None:
        """Read a frame.

        Args:
            p: Probabilities of its labels, float64 ``(C + 1,)``.
            completions: Probability of completing a text, by state and last label.
            quiet: For each state whether every further character is negligible beside the blank.
        """
        total = self._ended + self._open
        staying = total * p[-1], self._open * p[self._last]
        if quiet[self._state].all():
            self._ended, self._open = staying
            return
        grown = total[:, None] * p
        grown[np.arange(len(grown)), self._last] = self._ended * p[self._last]  # after a blank
        grown[:, -1] = 0
        self._ended, self._open = staying
        ranks = grown * completions[self._next[self._state], self._labels]
        self._merge(grown, ranks)
        ended, open_ = completions[self._state, -1], completions[self._state, self._last]
        kept = self._ended * ended + self._open * open_
        self._keep(grown, np.concatenate((kept, ranks.ravel())))

    def texts(self, ends: Floats, n: int) -> list[list[int]]:
        """Return the labels of up to `n` texts, the most probable first."""
        ranks = (self._ended + self._open) * ends[self._state]
        best = np.argsort(-ranks, kind="stable")[:n]
        return [self._tree.text(self._prefix[row]) for row in best if ranks[row] > 0]

    def _merge(self, grown: Floats, ranks: Floats) -> None:
        """Move a prefix with one more character to that prefix, where it is already there."""
        self._row[self._prefix] = np.arange(len(self._prefix))
        parents = self._row[self._parent]
        self._row[self._prefix] = -1
        known = parents >= 0
        same = parents[known], self._last[known]
        self._open[known] += grown[same]
        ranks[same] = 0

    def _keep(self, grown: Floats, ranks: Floats) -> None:
        """Keep the best of the prefixes as they are (first in `ranks`) and with a character."""
        best = np.flatnonzero(ranks > NEGLIGIBLE * ranks.max())
        if len(best) > BEAM:
            best = best[np.argpartition(ranks[best], -BEAM)[-BEAM:]]
        old, new = best[best < len(grown)], best[best >= len(grown)] - len(grown)
        rows, labels = np.divmod(new, grown.shape[1])
        parents = self._prefix[rows]
        pairs = zip(parents.tolist(), labels.tolist(), strict=True)
        longer = [self._tree.extend(*pair) for pair in pairs]
        states = self._next[self._state[rows], labels]
        self._prefix = np.concatenate((self._prefix[old], np.array(longer, np.int64)))
        self._parent = np.concatenate((self._parent[old], parents))
        self._last = np.concatenate((self._last[old], labels))
        self._state = np.concatenate((self._state[old], states))
        ended = np.concatenate((self._ended[old], np.zeros(len(new))))
        open_ = np.concatenate((self._open[old], grown[rows, labels]))
        # only quotients matter, and products of many frames would become 0
        scale = ended.max(initial=0) + open_.max(initial=0)
        self._ended, self._open = ended / scale, open_ / scale


def likely_texts(
    frames: Floats, next_state: _Integers, completions: Floats, n: int
) -> list[list[int]]:
    """Return the labels of up to `n` accepted texts, the most probable first.

    Args:
        frames: Probabilities of labels, float64 ``(T, C + 1)``.
        next_state: State of the automaton after each character, int64 ``(S, C)``.
        completions: See `inkfast.inference.ctc.completion_masses`.
        n: Number of texts.
    """
    after, characters = completions[1:], np.arange(next_state.shape[1])
    added = after[:, next_state, characters] * frames[:, None, :-1]
    quiet = added.max(axis=2) <= NEGLIGIBLE * after[:, :, -1] * frames[:, -1:]
    beam = _Beam(next_state, len(frames))
    for frame in zip(frames, after, quiet, strict=True):
        beam.read(*frame)
    return beam.texts(completions[-1, :, -1], n)
