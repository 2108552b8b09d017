"""Corrected digits: features of their views, refitted by the cross-entropy of their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inkfast.adaptation.folds import FoldLayers
from inkfast.adaptation.last_layer import Floats, LastLayer, SplitNetwork, Votes, to_unit_length
from inkfast.adaptation.refit import Term, cross_entropy, refit_weights, with_ones
from inkfast.core.digits import CLASSES, Images, Indices, Labels
from inkfast.evaluation.calibration import fit_temperature
from inkfast.inference.reader import ProbabilityModel, Reader
from inkfast.synthetic.handwriting import make_handwriting

NO_DIGIT = -1  # label of an image without a digit
_REMEMBERED = 400  # drawn digits of which the shipped answers are kept
_TINY = 1e-300  # keeps logarithms finite
# At a strength of 1: how many corrections the drawn digits count as, all together, and the factor
# of the squared distance from the shipped weights. On writers left out of training, 50 corrections
# left 21 of 38 errors with 100 and with 300, 20 with 30; of MNIST's digits, 0.033, 0.017 and 0.062
# percent more were misread.
_MEMORY, _PENALTY = 300.0, 0.1
_MOST_EXAMPLES = 1000  # views of corrections; a limit on the size of the file
# Logits that a view adds to its class where it lies, and the power of e by which they have faded
# at the usual distance to the next class. With 40 corrections of each writer, 18 of the 38 errors
# were left; 19, and more of MNIST's digits misread, where the weights did not make up for the
# votes; 22 with a power of 8, and 20 with one of 3.
_VOTES, _FADING = 6.0, 5.0


class CorrectedDigits:
    """Images of digits whose labels are known; see `inkfast.adaptation.folds.Corrected`.

    Args:
        network: The network, cut before its last layer.
        classifier: The same network as a whole.
        views: Views of each image, uint8 ``(views, 28, 28)``, see `digit_views`.
        labels: Int64 ``(n,)``; `NO_DIGIT` for an image without a digit, on which every digit is to
            be as probable as any other.
    """

    def __init__(
        self,
        network: SplitNetwork,
        classifier: ProbabilityModel,
        views: Sequence[Images],
        labels: Labels,
    ) -> None:
        self.shipped = network.layer
        self.labels, self._classifier = labels, classifier
        counts = np.array([len(one) for one in views])
        self._ends = np.cumsum(counts)
        self._row_of_view = np.repeat(np.arange(len(views)), counts)
        self._share = (1 / counts)[self._row_of_view, None]
        self._features = network.features(np.concatenate(views))
        targets = np.full((len(views), CLASSES), 1 / CLASSES)
        shown = labels != NO_DIGIT
        targets[shown] = np.eye(CLASSES)[labels[shown]]
        self._targets = targets[self._row_of_view]
        known = make_handwriting(_REMEMBERED)
        drawn = network.features(known.images)
        self._sharpness = _FADING / distance_between_classes(drawn, known.known_labels)
        self._drawn, self._kept = with_ones(drawn), _softmax(self.shipped.logits(drawn))
        self._penalty = _PENALTY * (self._drawn**2).mean(axis=0)

    def __len__(self) -> int:
        return len(self.labels)

    def fit(self, rows: Indices, strength: float) -> LastLayer:
        """See `Corrected.fit`; the corrections are the examples that vote.

        The weights make up for what the votes would change about drawn digits.
        """
        chosen = np.flatnonzero(np.isin(self._row_of_view, rows))
        shown = chosen[self.labels[self._row_of_view[chosen]] != NO_DIGIT]
        shown = shown[:: ceil(len(shown) / _MOST_EXAMPLES)]
        examples = to_unit_length(self._features[shown])
        votes = Votes(examples, _VOTES * self._targets[shown], self._sharpness)
        offset = votes.logits(self._drawn[:, :-1])
        kept = cross_entropy(self._kept, strength * _MEMORY / len(self._drawn), offset)
        loss = cross_entropy(self._targets[chosen], self._share[chosen])
        terms = [Term(with_ones(self._features[chosen]), loss), Term(self._drawn, kept)]
        weights = refit_weights(self.shipped.weights, terms, strength * self._penalty)
        return LastLayer(weights, votes)

    def losses(self, layer: LastLayer, rows: Indices) -> Floats:
        """See `Corrected.losses`; the mean over the views of an image."""
        log_probs = np.log(_softmax(layer.logits(self._features)).clip(_TINY))
        by_view = -(self._share * self._targets * log_probs).sum(axis=1)
        return np.asarray(np.bincount(self._row_of_view, by_view)[rows], np.float64)

    def answers(
        self, layer: LastLayer, rows: Indices, temperature: float, threshold: float
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """See `Corrected.answers`; what has no digit is wrong whatever is answered."""
        reader = Reader(self._classifier, threshold)
        probabilities = _softmax(layer.logits(self._features) / temperature)
        found = []
        for views in (probabilities[start:end] for start, end in self._spans(rows)):
            found.append(views[reader.choose_view(views)])
        answered = np.stack(found)
        return answered.max(axis=1), answered.argmax(axis=1) != self.labels[rows]

    def _spans(self, rows: Indices) -> Iterator[tuple[int, int]]:
        """Yield the first view of each row, and the one after its last."""
        starts = np.append(0, self._ends[:-1])
        return zip(starts[rows], self._ends[rows], strict=True)

    def temperature(self, parts: FoldLayers) -> float:
        """See `Calibrated.temperature`; images without a digit are left out."""
        logits, labels = [], []
        for rows, layer in parts:
            chosen = np.isin(self._row_of_view, rows[self.labels[rows] != NO_DIGIT])
            logits.append(layer.logits(self._features[chosen]))
            labels.append(self.labels[self._row_of_view[chosen]])
        return fit_temperature(np.concatenate(logits), np.concatenate(labels))


def distance_between_classes(features: Floats, labels: Labels) -> float:
    """Return the median distance of a digit to the nearest one of another class, 1 - cosine."""
    unit = to_unit_length(features)
    distance = 1 - unit @ unit.T
    distance[labels[:, None] == labels] = np.inf
    return float(np.median(distance.min(axis=1)))


def _softmax(logits: Floats) -> Floats:
    from scipy.special import softmax

    return np.asarray(softmax(logits, axis=1))
