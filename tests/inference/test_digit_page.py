"""Pages read with a network of single digits: its answers replace those of the network of numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inkfast.core.errors import InkfastError
from inkfast.inference.decoding import NOT_EXPECTED
from inkfast.inference.digit_page import combine_digits
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.page import open_page, read_page
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import Prediction, Reader
from tests.imaging.photographs import file_of, page, photographed


def reading(text: str, unsure: str = "") -> NumberReading:
    """Return a reading whose characters are equally wide."""
    n = len(text)
    characters = tuple(
        Character(one, 0.9, place / n, (place + 1) / n) for place, one in enumerate(text)
    )
    return NumberReading(text, 0.8, "", 0.1, characters, unsure)


def test_the_confidence_is_the_product_and_the_runner_up_differs_in_one_digit():
    """Every character must be right; the runner-up is the most probable other number."""
    predictions = {0: Prediction(4, 0.9, 9, 0.05), 2: Prediction(7, 0.8, 1, 0.2)}
    found = combine_digits(reading("9.1"), predictions)
    assert (found.text, found.runner_up, found.unsure) == ("4.7", "4.1", "")
    assert found.confidence == pytest.approx(0.9 * 0.9 * 0.8)
    assert found.runner_up_confidence == pytest.approx(0.9 * 0.9 * 0.2)
    assert [(one.text, one.confidence) for one in found.characters] == [
        ("4", 0.9), (".", 0.9), ("7", 0.8),
    ]  # fmt: skip


def test_a_number_without_digits_stays_as_it_is():
    """There is nothing to replace, and no runner-up."""
    found = combine_digits(reading("-"), {})
    assert (found.text, found.runner_up, found.runner_up_confidence) == ("-", "-", 0)


def test_a_number_is_unsure_if_a_digit_is():
    """The reason is that of the first unsure digit, with its place; the best guess stays."""
    sure, unsure = Prediction(4, 0.99, 9, 0.01), Prediction(3, 0.5, 8, 0.4, "it may be 3 or 8")
    reasons = {
        (sure, unsure): "character 2: it may be 3 or 8",
        (unsure,): "it may be 3 or 8",
        (sure, unsure, unsure): "character 2: it may be 3 or 8 (and 1 more)",
    }
    for predictions, reason in reasons.items():
        found = combine_digits(reading("0" * len(predictions)), dict(enumerate(predictions)))
        assert found.unsure == reason
        assert found.text == "".join(str(one.digit) for one in predictions)


def test_a_number_that_may_be_cut_wrongly_is_unsure():
    """Where the network of numbers is unsure, so is the number, however sure its digits are."""
    found = combine_digits(reading("4", "it may be 4 or 41"), {0: Prediction(4, 0.99, 9, 0.01)})
    assert found.unsure == "it may be 4 or 41"


def test_numbers_with_another_count_of_digits_are_unsure():
    """The reason says both counts; other expectations have one reason. They replace other reasons."""
    found = combine_digits(reading("9"), {0: Prediction(4, 0.99, 9, 0.01)})
    assert ReadOptions(digits=1).check(found) == found
    assert ReadOptions(digits=2).check(found).unsure == "expected 2 digits, found 1"
    assert ReadOptions(expect="[0-3]").check(found).unsure == NOT_EXPECTED
    assert ReadOptions(expect=r"\d").check(found) == found
    unsure = replace(found, unsure="it may be 4 or 9")
    assert ReadOptions(digits=2).check(unsure).unsure == "expected 2 digits, found 1"
    assert ReadOptions(digits=1).check(unsure) == unsure
    for known in ({"expect": "("}, {"expect": "1", "digits": 1}, {"digits": 0}):
        with pytest.raises(InkfastError):
            ReadOptions(**known)
    with pytest.raises(InkfastError, match="`per_line` must be a whole number >= 1, got 0"):
        ReadOptions(per_line=0)


@pytest.mark.parametrize("kind", ["plain", "ruled", "blackboard"])
def test_digits_are_read_one_by_one_in_one_call(kind, monkeypatch):
    """Each digit is cut out and brought to MNIST's frame; the page takes one call."""
    calls = []
    predict = Reader.predict
    monkeypatch.setattr(
        Reader, "predict", lambda self, images: calls.append(images) or predict(self, images)
    )
    image = open_page(file_of(photographed(page("0123 456", "789"), kind)))
    found = read_page(image, Reader.open(threads=1))
    assert [number.text for number in found.numbers] == ["0123", "456", "789"]
    (images,) = calls
    assert images.shape == (10, 28, 28)
    assert images[:, :2].max() == 0
    assert images.max(axis=(1, 2)).min() > 200
    assert [number.image.shape for number in found.numbers] == [(28, 112), (28, 84), (28, 84)]
    np.testing.assert_array_equal(found.numbers[1].image, np.concatenate(images[4:7], axis=1))
