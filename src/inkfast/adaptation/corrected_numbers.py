"""Corrected numbers: features of the frames of their strips, refitted by the loss of CTC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inkfast.adaptation.folds import FoldLayers
from inkfast.adaptation.last_layer import Floats, LastLayer, SplitNetwork
from inkfast.adaptation.refit import LogitLoss, Term, cross_entropy, refit_weights, with_ones
from inkfast.core.digits import Indices
from inkfast.evaluation.number_calibration import CalibrationStrips, fit_number_temperature
from inkfast.inference.ctc import text_posteriors
from inkfast.inference.decoding import decode_views
from inkfast.inference.number_strips import GreyStrip, other_views, prepare_strip
from inkfast.inference.numbers import ALPHABET, DIGITS
from inkfast.synthetic.handwriting import make_handwriting

_REMEMBERED = 60  # drawn numbers of which the shipped answers are kept
_LENGTH = 5  # digits of each
_GAP = 3  # columns between their digits, which are 20 pixels high
_MEMORY, _PENALTY = 300.0, 0.1  # see `corrected_digits`; the first counts frames
_SLOWEST = 1e-30  # probability of a text below which its loss stops growing


class CorrectedNumbers:
    """Strips of numbers whose texts are known; see `inkfast.adaptation.folds.Corrected`.

    Args:
        network: The network, cut before its last layer.
        strips: Grey strips of any size, uint8 ``(height, width)``.
        texts: Text of each; "" for a strip without a number.
        temperature: Temperature of the shipped network.
        digits_only: Whether characters other than digits are left out of answers and texts.
    """

    def __init__(
        self,
        network: SplitNetwork,
        strips: Sequence[GreyStrip],
        texts: Sequence[str],
        temperature: float,
        *,
        digits_only: bool,
    ) -> None:
        self.shipped = network.layer
        self.texts, self._digits_only = list(texts), digits_only
        self._temperature = temperature
        prepared = [prepare_strip(strip) for strip in strips]
        self._views = [
            [network.features(view[None])[0] for view in (one, *other_views(one))]
            for one in prepared
        ]
        drawn = np.concatenate([
            network.features(prepare_strip(strip)[None])[0] for strip in draw_strips()
        ])  # fmt: skip
        self._drawn = with_ones(drawn)
        self._kept = np.exp(_log_softmax(self.shipped.logits(drawn)))
        self._penalty = _PENALTY * (self._drawn**2).mean(axis=0)

    def __len__(self) -> int:
        return len(self.texts)

    def fit(self, rows: Indices, strength: float) -> LastLayer:
        """See `Corrected.fit`."""
        kept = cross_entropy(self._kept, strength * _MEMORY / len(self._drawn))
        terms = [*self._terms(rows), Term(self._drawn, kept)]
        return LastLayer(refit_weights(self.shipped.weights, terms, strength * self._penalty))

    def losses(self, layer: LastLayer, rows: Indices) -> Floats:
        """See `Corrected.losses`; the first view counts."""
        log_probs, texts = self._padded([layer.logits(self._views[row][0]) for row in rows], rows)
        likelihood, _ = text_posteriors(log_probs, texts)
        return -np.maximum(likelihood, np.log(_SLOWEST))

    def answers(
        self, layer: LastLayer, rows: Indices, temperature: float, threshold: float
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """See `Corrected.answers`; the threshold makes no difference."""
        readings = [
            decode_views(
                self.log_probs(layer, row),
                digits_only=self._digits_only,
                temperature=temperature * self._temperature,
            )
            for row in rows
        ]
        confidence = np.array([one.confidence for one in readings])
        pairs = zip(readings, rows, strict=True)
        return confidence, np.array([one.text != self.texts[row] for one, row in pairs])

    def temperature(self, parts: FoldLayers) -> float:
        """See `Calibrated.temperature`."""
        pairs = [(layer, row) for rows, layer in parts for row in rows]
        views = [
            [view / np.float32(self._temperature) for view in self.log_probs(layer, row)]
            for layer, row in pairs
        ]
        texts = [self.texts[row] for _, row in pairs]
        return fit_number_temperature(CalibrationStrips(views, texts, self._digits_only))

    def log_probs(self, layer: LastLayer, row: int) -> list[NDArray[np.float32]]:
        """Return the log-probabilities of the views of a strip, see `decode_views`."""
        return [_log_softmax(layer.logits(view)).astype(np.float32) for view in self._views[row]]

    def _terms(self, rows: Indices) -> list[Term]:
        """Return the loss of some strips, one term for each kind of view."""
        terms = []
        for view in range(len(self._views[0])):
            features = [self._views[row][view] for row in rows]
            loss = self._ctc_loss([len(one) for one in features], rows)
            terms.append(Term(with_ones(np.concatenate(features)), loss))
        return terms

    def _ctc_loss(self, lengths: Sequence[int], rows: Indices) -> LogitLoss:
        ends = np.cumsum(lengths)[:-1]
        share = 1 / len(self._views[0])

        def loss(logits: Floats) -> tuple[float, Floats]:
            log_probs, texts = self._padded(np.split(logits, ends), rows)
            likelihood, posteriors = text_posteriors(log_probs, texts)
            parts = [posteriors[:length, row] for row, length in enumerate(lengths)]
            wanted = self._spread(np.concatenate(parts), logits)
            gradient = wanted.sum(axis=1, keepdims=True) * np.exp(_log_softmax(logits)) - wanted
            return -share * float(likelihood[np.isfinite(likelihood)].sum()), share * gradient

        return loss

    def _padded(self, logits: Sequence[Floats], rows: Indices) -> tuple[Floats, list[list[int]]]:
        """Return log-probabilities and labels of texts as `text_posteriors` takes them."""
        merged = [_log_softmax(self._merge(one)) for one in logits]
        longest = max(map(len, merged))
        padded = np.full((longest, len(merged), merged[0].shape[1]), -np.inf)
        padded[:, :, -1] = 0.0
        for row, one in enumerate(merged):
            padded[: len(one), row] = one
        return padded, [[ALPHABET.index(one) for one in self.texts[row]] for row in rows]

    def _merge(self, logits: Floats) -> Floats:
        """Return logits in which what is left out counts as the blank."""
        if not self._digits_only:
            return logits
        others = np.logaddexp.reduce(logits[:, len(DIGITS) :], axis=1)
        return np.column_stack([logits[:, : len(DIGITS)], others])

    def _spread(self, posteriors: Floats, logits: Floats) -> Floats:
        """Return posteriors of merged labels as those of all labels."""
        if not self._digits_only:
            return posteriors
        others = np.exp(_log_softmax(logits[:, len(DIGITS) :])) * posteriors[:, -1:]
        return np.column_stack([posteriors[:, :-1], others])


def draw_strips() -> list[GreyStrip]:
    """Return strips of drawn digits, dark on white: uint8 ``(28, width)``."""
    images = make_handwriting(_REMEMBERED * _LENGTH).images
    images = images[np.random.default_rng(0).permutation(len(images))]
    return [
        255 - np.hstack([_crop_columns(one) for one in images[start : start + _LENGTH]])
        for start in range(0, len(images), _LENGTH)
    ]


def _crop_columns(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a digit without the columns beside it, but for a gap."""
    columns = np.flatnonzero(image.any(axis=0))
    return np.pad(image[:, columns[0] : columns[-1] + 1], ((0, 0), (_GAP, _GAP)))


def _log_softmax(logits: Floats) -> Floats:
    from scipy.special import log_softmax

    return np.asarray(log_softmax(logits, axis=1))
