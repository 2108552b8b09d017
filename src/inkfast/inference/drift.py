"""`DriftMonitor`: says once if answers are less confident than those a guarantee was made on.

`DriftTest` needs no labels, and may be asked after every answer: the chance that it ever gives an
alarm on answers like those of the calibration is at most `LEVEL`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import isnan

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.page_result import Page
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Prediction, Reader, guaranteed_error
from inkfast.inference.results import NO_INK

CONFIDENCES = "calibration_confidences"  # key in a model's metadata
LEVEL = 0.05  # chance that a stream of answers like those of the calibration ever gives an alarm
_BAND_LEVEL = 0.01  # the part of it that is spent on the calibration set being a sample
# Confidences that are stored, at most. With 16 to 256 of them, alarms on digits turned by up to 72
# degrees came after the same number of digits.
_RANKS = 32
_DECIMALS = 6
# Shares of answers that are taken to be drawn from the wrong ones, in the alternatives bet on. The
# largest finds answers of no use in a few digits, the smallest a slight change in some hundreds.
_STAKES = np.array([0.1, 0.3, 0.9])


def summarize_confidences(confidence: NDArray[np.float64]) -> list[list[float]]:
    """Return the confidences of a calibration set at a few ranks, for its file's metadata.

    Args:
        confidence: Confidence of each answer in [0, 1], float64 ``(n,)``, at least one.

    Returns:
        Pairs of a rank, from 1 for the least confident to `n`, and the confidence there, rounded
        down. Ranks are evenly spaced in logarithms, since low confidences tell most.
    """
    ordered = np.sort(confidence)
    ranks = np.unique(np.geomspace(1, len(ordered), _RANKS).round().astype(int))
    scale = 10**_DECIMALS
    return [[int(rank), float(np.floor(ordered[rank - 1] * scale) / scale)] for rank in ranks]


class DriftTest:
    """A sequential test of whether answers are less confident than those of a calibration set.

    It bets that a larger share of the answers is wrong than among the calibration set's. Where
    confidences are calibrated, wrong answers have a density proportional to one minus the
    confidence among all, so an answer multiplies the wealth of a bet by ``1 + stake * (loss /
    expected - 1)``, with ``loss = 1 - confidence``. `expected` is an upper bound of the mean loss
    over all distributions of confidence that the calibration set allows for. The bet may begin
    after any number of answers, with the prior weight ``1 / (k (k + 1))``, so that a change is
    noticed late in a stream as well.

    If answers are at least as confident as the calibration set's, the wealth is a
    supermartingale, and exceeds ``1 / level`` with a chance of at most ``level`` (Ville).

    Sources: Ramdas, Grunwald, Vovk and Shafer (2023), Game-theoretic statistics and safe
    anytime-valid inference; Podkopaev and Ramdas (2022), Tracking the risk of a deployed model
    and detecting harmful distribution shifts; Shin, Ramdas and Rinaldo (2024), E-detectors, for
    unknown starts; Shaer, Bar, Prinster and Romano (2026), Testing for distribution shifts with
    conditional conformal test martingales, for a fixed calibration set.

    Args:
        summary: Ranks and confidences of the calibration set, see `summarize_confidences`.

    Attributes:
        alarm: Whether the answers so far are less confident than those of the calibration set.

    Example:
        >>> calibration = np.random.default_rng(0).beta(20, 1, 2000)
        >>> test = DriftTest(summarize_confidences(calibration))
        >>> test.update(calibration[:500])
        False
        >>> test.update(calibration[:500] - 0.2)
        True
    """

    def __init__(self, summary: Sequence[Sequence[float]]) -> None:
        ranks, confidences = np.array(summary, np.float64).T
        self._confidences = confidences.tolist()
        self._factors = _bet_factors(ranks, confidences)
        self._wealth = np.zeros(len(_STAKES))
        self._count = 0
        self.alarm = False

    @classmethod
    def from_metadata(cls, metadata: ModelMetadata) -> DriftTest | None:
        """Return the test for a model; None if its file has no confidences to compare with.

        Raises:
            InkfastError: If these are not ranks and confidences in rising order.
        """
        summary = metadata.pairs(CONFIDENCES)
        if not summary:
            return None
        ranks, confidences = np.array(summary).T
        rising = np.all(np.diff(ranks) > 0) and np.all(np.diff(confidences) >= 0)
        if not (rising and ranks[0] >= 1 and confidences[0] >= 0 and confidences[-1] <= 1):
            raise InkfastError(
                f"{metadata.name}: expected rising ranks and confidences in [0, 1] as its "
                f"`{CONFIDENCES}`, got others. Export it again."
            )
        return cls(summary)

    def update(self, confidence: Iterable[float]) -> bool:
        """Add answers in their order; return whether there is an alarm now.

        Args:
            confidence: Confidence of each answer, in [0, 1].
        """
        for one in confidence:
            if self.alarm:
                break
            self._add(one)
        return self.alarm

    def _add(self, confidence: float) -> None:
        self._count += 1
        starting = 1 / (self._count * (self._count + 1))
        factors = self._factors[bisect_right(self._confidences, confidence)]
        self._wealth = (self._wealth + starting) * factors
        not_started = 1 / (self._count + 1)
        self.alarm = bool(self._wealth.mean() + not_started >= 1 / (LEVEL - _BAND_LEVEL))


def _bet_factors(
    ranks: NDArray[np.float64], confidences: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the factor of the wealth by interval of confidence and by stake.

    The share of answers below the confidence of rank `k` has the distribution
    ``Beta(k, n - k + 1)``, or less where confidences are equal. Its quantiles, with Bonferroni's
    correction over the ranks, bound all shares at once.

    Args:
        ranks: Ranks, the last being the size ``n`` of the calibration set.
        confidences: Confidence at each rank. An interval ends before it, and its loss is that of
            its lower end.
    """
    from scipy.special import betaincinv

    below = betaincinv(ranks, ranks[-1] - ranks + 1, 1 - _BAND_LEVEL / len(ranks))
    shares = np.diff([0.0, *below, 1.0])
    losses = 1 - np.append(0.0, confidences)
    return np.asarray(1 + _STAKES * (losses[:, None] / (shares @ losses) - 1))


class DriftMonitor:
    """Watches whether the guarantee of a reader holds for what it reads, and says once if not.

    Images without ink have no answer and do not count. All other answers do, sure or unsure, as
    in the calibration. Numbers read with an expectation do not count, since it lowers the
    confidence of those that it does not fit, whatever the network.

    Args:
        reader: Reader of digits or of numbers. One without a guarantee, or from a file without
            confidences to compare with, is not watched.

    Attributes:
        warning: What is to be said of all answers so far; "" if nothing suggests a difference.
    """

    def __init__(self, reader: Reader | NumberReader) -> None:
        self._digits = isinstance(reader, Reader)
        network = reader.classifier if isinstance(reader, Reader) else reader.network
        self._error = guaranteed_error(network.metadata, reader.threshold)
        self._test = None if isnan(self._error) else DriftTest.from_metadata(network.metadata)
        self.warning = ""

    def add_predictions(self, predictions: Iterable[Prediction]) -> str:
        """Add predictions of single digits in their order; return the warning if it is new."""
        return self._add(one.confidence for one in predictions if one.unsure != NO_INK)

    def add_page(self, page: Page, options: ReadOptions) -> str:
        """Add the numbers of a page in their order; return the warning if it is new.

        Args:
            page: What was read.
            options: What was known about the numbers beforehand.
        """
        readings = [number.reading for number in page.numbers]
        if self._digits:
            characters = [one for reading in readings for one in reading.characters]
            return self._add(one.confidence for one in characters if one.text.isdigit())
        if options.expectation:
            return ""
        return self._add(reading.confidence for reading in readings)

    def _add(self, confidence: Iterable[float]) -> str:
        if self.warning or not (self._test and self._test.update(confidence)):
            return ""
        what = "digits" if self._digits else "numbers"
        self.warning = (
            f"these {what} differ from those that the guarantee was made on, so more than "
            f"{100 * self._error:.3g} % of the answers may be wrong: correct 50 such {what} "
            "(inkfast review) and adapt the network to them (inkfast adapt) to renew it"
        )
        return self.warning
