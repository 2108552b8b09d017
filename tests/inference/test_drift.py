"""The drift test: false alarms are as rare as promised, and less confident answers are noticed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import beta

from inkfast.core.errors import InkfastError
from inkfast.inference.drift import CONFIDENCES, DriftMonitor, DriftTest, summarize_confidences
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.onnx_classifier import GUARANTEES, ModelMetadata
from inkfast.inference.page_result import Page, PageNumber
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.results import NO_INK


def confidences(rng: np.random.Generator, n: int, harder: float = 0.0) -> np.ndarray:
    """Return confidences of answers of which about 5 %, and a share `harder` more, are doubtful."""
    doubtful = rng.random(n) < 0.05 + harder
    return np.where(doubtful, rng.uniform(0.2, 0.9, n), 1 - rng.exponential(0.002, n).clip(0, 0.1))


def test_false_alarms_are_rare():
    """Calibration sets and streams of one kind are drawn anew; at most 1 in 20 streams has an alarm."""
    rng = np.random.default_rng(0)
    alarms = [
        DriftTest(summarize_confidences(confidences(rng, 300))).update(confidences(rng, 1000))
        for _ in range(200)
    ]
    assert np.mean(alarms) <= 0.05


def test_less_confident_answers_are_noticed():
    """Where a quarter of the answers is doubtful instead of a twentieth, 200 are enough."""
    rng = np.random.default_rng(0)
    test = DriftTest(summarize_confidences(confidences(rng, 5000)))
    assert test.update(confidences(rng, 200, harder=0.2))


def test_more_confident_answers_are_no_harm():
    """The test is one-sided: answers that are all certain never give an alarm."""
    test = DriftTest(summarize_confidences(confidences(np.random.default_rng(0), 5000)))
    assert not test.update(np.ones(5000))


def test_a_late_change_is_noticed():
    """20,000 answers like those of the calibration do not hide what comes after them."""
    rng = np.random.default_rng(0)
    test = DriftTest(summarize_confidences(confidences(rng, 5000)))
    assert not test.update(confidences(rng, 20_000))
    assert test.update(confidences(rng, 400, harder=0.2))


def test_how_answers_are_grouped_does_not_matter():
    """Answers one by one, in chunks or at once end in the same state; an alarm stays."""
    rng = np.random.default_rng(1)
    summary = summarize_confidences(confidences(rng, 2000))
    stream = confidences(rng, 60, harder=0.3)
    tests = [DriftTest(summary) for _ in range(3)]
    tests[0].update(stream)
    for test, size in ((tests[1], 1), (tests[2], 7)):
        for start in range(0, len(stream), size):
            test.update(stream[start : start + size])
    assert len({test.alarm for test in tests}) == 1
    assert tests[0].update(np.zeros(500))
    assert tests[0].update(np.ones(5000))


def test_factors_of_bets_are_fair_for_the_least_confident_calibration():
    """The mean factor is 1 if shares below each stored confidence are at their upper bounds.

    The bounds are those of order statistics (Beta), from SciPy's distribution.
    """
    summary = summarize_confidences(confidences(np.random.default_rng(0), 1000))
    ranks = np.array([rank for rank, _ in summary])
    below = beta.ppf(1 - 0.01 / len(ranks), ranks, 1000 - ranks + 1)
    shares = np.diff([0, *below, 1])
    assert shares @ DriftTest(summary)._factors == pytest.approx(1)


def test_stored_confidences_are_order_statistics():
    """The summary has the least and the largest confidence, and never rounds one up."""
    drawn = confidences(np.random.default_rng(0), 1000)
    ordered = np.sort(drawn)
    summary = summarize_confidences(drawn)
    assert len(summary) <= 32
    assert [summary[0][0], summary[-1][0]] == [1, 1000]
    for rank, confidence in summary:
        assert 0 <= ordered[rank - 1] - confidence < 2e-6


def test_files_without_confidences_have_no_test():
    """A file made before confidences were stored, or by another tool, gives no test and no error."""
    assert DriftTest.from_metadata(ModelMetadata({}, "old.onnx")) is None


@pytest.mark.parametrize("pairs", [[[2, 0.5], [1, 0.6]], [[1, 0.5], [2, 0.4]], [[1, 2.0]]])
def test_damaged_confidences_are_refused(pairs):
    """Ranks or confidences that do not rise are named with the file."""
    with pytest.raises(InkfastError, match=r"bad\.onnx: expected rising ranks"):
        DriftTest.from_metadata(ModelMetadata({CONFIDENCES: pairs}, "bad.onnx"))


SUMMARY = summarize_confidences(np.full(2000, 0.999))
ABOUT = {GUARANTEES: [[0.002, 0.99], [0.015, 0.8], [0.05, 0.5]], CONFIDENCES: SUMMARY}


def reader_of(about: dict, threshold: float = 0.8) -> Reader:
    """Return a reader of digits with this metadata."""
    return Reader(SimpleNamespace(metadata=ModelMetadata(about, "a.onnx")), threshold)


def digits(confidence: float, n: int, unsure: str = "") -> list[Prediction]:
    """Return predictions of one confidence."""
    return [Prediction(7, confidence, 1, 1 - confidence, unsure)] * n


def numbers_page(confidence: float, n: int) -> Page:
    """Return a page of numbers with two digits and a comma each."""
    characters = tuple(Character(text, confidence, 0.0, 1.0) for text in "4,7")
    reading = NumberReading("4,7", confidence, "1,7", 1 - confidence, characters)
    seen = np.zeros((1, 1), np.uint8)
    return Page((9, 9), (PageNumber((0, 0, 9, 9), 1, 1, reading, seen),) * n)


def test_the_warning_is_said_once_and_names_the_guarantee():
    """The share of errors is that of the reader's threshold; the sentence is new only once."""
    monitor = DriftMonitor(reader_of(ABOUT))
    assert monitor.add_predictions(digits(0.999, 100)) == ""
    said = monitor.add_predictions(digits(0.4, 100))
    assert "these digits differ from those that the guarantee was made on" in said
    assert "more than 1.5 % of the answers may be wrong" in said
    assert monitor.add_predictions(digits(0.4, 100)) == ""
    assert monitor.warning == said


def test_images_without_ink_do_not_count():
    """A thousand blank images say nothing about the digits between them."""
    monitor = DriftMonitor(reader_of(ABOUT))
    assert monitor.add_predictions(digits(0.1, 1000, NO_INK)) == ""


@pytest.mark.parametrize(
    ("about", "threshold"),
    [({}, 0.0), (ABOUT, 0.0), (ABOUT, 2.0), ({GUARANTEES: ABOUT[GUARANTEES]}, 0.8)],
    ids=["run folder", "no threshold", "nothing guaranteed", "no confidences"],
)
def test_readers_without_a_guarantee_are_not_watched(about, threshold):
    """Without a guarantee, or without confidences to compare with, there is nothing to say."""
    monitor = DriftMonitor(reader_of(about, threshold))
    assert monitor.add_predictions(digits(0.2, 1000)) == monitor.warning == ""


def test_numbers_count_unless_an_expectation_changed_their_confidence():
    """Numbers of pages are compared as a whole, and not if they were read with an expectation."""
    reader = NumberReader(SimpleNamespace(metadata=ModelMetadata(ABOUT, "a.onnx")), 0.8)
    expected, free = ReadOptions(digits=2), ReadOptions(digits_only=True)
    monitor = DriftMonitor(reader)
    assert monitor.add_page(numbers_page(0.3, 100), expected) == ""
    assert monitor.add_page(Page((9, 9), ()), free) == ""
    assert "these numbers differ" in monitor.add_page(numbers_page(0.3, 100), free)


def test_digits_of_pages_count_one_by_one(monkeypatch):
    """A network of digits is compared by each digit of a number; other signs are not its answers."""
    monitor = DriftMonitor(reader_of(ABOUT))
    given = []
    monkeypatch.setattr(monitor._test, "update", given.extend)
    monitor.add_page(numbers_page(0.9, 3), ReadOptions(digits=2))
    assert given == [0.9] * 6
