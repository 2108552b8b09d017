"""Digits that were read one by one form one reading of their number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.imaging.ink import Ink
from inkfast.imaging.segmentation import DigitCandidate
from inkfast.inference.decoding import NOT_EXPECTED
from inkfast.inference.digit_groups import combine_digits
from inkfast.inference.digit_page import group_numbers
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Prediction
from inkfast.inference.touching_digits import ReadCandidate


def candidates(*predictions: Prediction) -> list[ReadCandidate]:
    """Return candidates 10 pixels wide, 15 apart, with these predictions."""
    ink = Ink(np.ones((20, 10), np.float32), np.ones((20, 10), bool))
    return [
        ReadCandidate(
            DigitCandidate((0, 15 * place, 20, 15 * place + 10), ink),
            np.full((28, 28), place, np.uint8),
            prediction,
        )
        for place, prediction in enumerate(predictions)
    ]


def test_the_confidence_is_the_product_and_the_runner_up_differs_in_one_digit():
    """Every digit must be right; the runner-up is the most probable other number."""
    made = candidates(
        Prediction(4, 0.9, 9, 0.05), Prediction(7, 0.8, 1, 0.2), Prediction(0, 0.99, 6, 0.01)
    )
    reading, image = combine_digits(made)
    assert (reading.text, reading.runner_up, reading.unsure) == ("470", "410", "")
    assert reading.confidence == pytest.approx(0.9 * 0.8 * 0.99)
    assert reading.runner_up_confidence == pytest.approx(0.9 * 0.2 * 0.99)
    assert [(one.start, one.end) for one in reading.characters] == [
        (0, 0.25), (0.375, 0.625), (0.75, 1),
    ]  # fmt: skip
    assert image.shape == (28, 84)
    assert [image[0, 28 * place] for place in range(3)] == [0, 1, 2]


def test_a_number_is_unsure_if_a_digit_is():
    """The reason is that of the first unsure digit, with its place; the best guess stays."""
    sure, unsure = Prediction(4, 0.99, 9, 0.01), Prediction(3, 0.5, 8, 0.4, "it may be 3 or 8")
    reasons = {
        (sure, unsure): "character 2: it may be 3 or 8",
        (unsure,): "it may be 3 or 8",
        (sure, unsure, unsure): "character 2: it may be 3 or 8 (and 1 more)",
    }
    for predictions, reason in reasons.items():
        reading, _ = combine_digits(candidates(*predictions))
        assert reading.unsure == reason
        assert reading.text == "".join(str(one.digit) for one in predictions)


def test_the_count_of_numbers_in_a_line_decides_where_it_is_parted():
    """Wide gaps part numbers; with a count, the widest gaps do, however narrow."""
    boxes = [(0, left, 20, left + 10) for left in (0, 15, 30, 80, 95, 117)]
    line = list(range(6))
    assert group_numbers(line, boxes) == [[0, 1, 2], [3, 4, 5]]
    assert group_numbers(line, boxes, 1) == [line]
    assert group_numbers(line, boxes, 3) == [[0, 1, 2], [3, 4], [5]]
    assert group_numbers([0], boxes, 2) == [[0]]


def test_numbers_with_another_count_of_digits_are_unsure():
    """The reason says both counts; other expectations and reasons that stand already are kept."""
    reading, _ = combine_digits(candidates(Prediction(4, 0.99, 9, 0.01)))
    assert ReadOptions(digits=1).check(reading) == reading
    assert ReadOptions(digits=2).check(reading).unsure == "expected 2 digits, found 1"
    assert ReadOptions(expect="[0-3]").check(reading).unsure == NOT_EXPECTED
    assert ReadOptions(expect=r"\d").check(reading) == reading
    unsure = replace(reading, unsure="it may be 4 or 9")
    assert ReadOptions(digits=2).check(unsure) == unsure
    for known in ({"expect": "("}, {"expect": "1", "digits": 1}, {"digits": 0}):
        with pytest.raises(InkfastError):
            ReadOptions(**known)
    with pytest.raises(InkfastError, match="`per_line` must be a whole number >= 1, got 0"):
        ReadOptions(per_line=0)
