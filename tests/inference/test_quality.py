"""Faults of an image make its digit unsure, the same in `predict`, `read` and the API."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageFilter

from inkfast.inference import results, single_digit
from inkfast.inference.numbers import Character
from inkfast.inference.page import open_page, read_page
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.single_digit import LoadedInput
from inkfast.serving.prediction import PredictRequest, predict_batch
from inkfast.serving.request_images import lab_images, load_request_image
from inkfast.serving.routes_v1 import prediction_json
from tests.imaging.photographs import digit
from tests.inference.makers import png
from tests.serving.makers import drawn


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return the shipped reader on one thread."""
    return Reader.open(threads=1)


def both(picture: Image.Image | np.ndarray, reader: Reader) -> tuple[Prediction, list[Character]]:
    """Return the prediction of `predict` and the characters of `read`."""
    content = png(np.asarray(picture))
    (row,) = single_digit.predict_chunk(reader, [LoadedInput("a.png", content)])
    page = read_page(open_page(content), reader)
    return row.prediction, [one for number in page.numbers for one in number.reading.characters]


def test_the_api_and_the_page_give_the_reason_too(reader):
    """The API and the Noise Lab give the reason along with the probabilities."""
    content = png(np.asarray(drawn(8))[:175])
    for images in (
        partial(load_request_image, content),
        partial(lab_images, content, {}, 0, occlusion=False),
        partial(np.zeros, (1, 28, 28), np.uint8),
    ):
        (response,) = predict_batch({"reader": reader}, [PredictRequest(images, ("reader",))])
        found = prediction_json(reader, response.probabilities["reader"][-1], response.quality)
        cut_off = images.func is not np.zeros  # a tensor is taken as it is
        assert (found["unsure"] == "the digit is cut off at the edge of the image") == cut_off


@pytest.mark.parametrize("value", range(10))
def test_a_digit_that_is_cut_off_is_unsure(value, reader):
    """A digit whose lower third is outside the image is unsure, whatever is left looks like."""
    picture = np.asarray(drawn(value))[:175]
    row, page = both(picture, reader)
    assert {one.unsure for one in (row, *page)} == {"the digit is cut off at the edge of the image"}


def test_touching_digits_are_unsure(reader):
    """An image of two touching digits, wider than high, is unsure for that reason."""
    paper = np.full((120, 160), 230, np.uint8)
    for left, value in ((45, 3), (74, 5)):
        ink = digit(value, 60)
        there = paper[30 : 30 + ink.shape[0], left : left + ink.shape[1]]
        np.minimum(there, (230 - 200 * ink).clip(0, 255).astype(np.uint8), out=there)
    (row,) = single_digit.predict_chunk(reader, [LoadedInput("a.png", png(paper))])
    assert row.prediction.unsure == "this looks like two touching digits"


@pytest.mark.parametrize("side", [140, 280, 840])
@pytest.mark.parametrize("share", [0.072, 0.1, 0.13])
def test_blur_beyond_reading_gives_no_wrong_answer(share, side, reader):
    """Loops closed by blur make another digit, of which the network is sure: it is rejected.

    `share` is the standard deviation of the blur as a share of the image's side.
    """
    reasons = {
        "the digit is too blurred",
        "the digit is cut off at the edge of the image",
        results.NO_INK,
    }
    # every third digit at 840, where a page takes as long as nine pages of 280
    for value in range(0, 10, 3 if side == 840 else 1):
        image = drawn(value, side).filter(ImageFilter.GaussianBlur(share * side))
        row, page = both(image, reader)
        assert row.unsure in reasons or (share < 0.1 and row.digit == value)
        for one in page:
            assert one.unsure in reasons or (share < 0.1 and one.text == str(value))


def test_slight_blur_and_small_size_are_no_fault(reader):
    """Neither blur by a 25th of the side nor a size of few pixels is called blurred."""
    for value in range(10):
        soft = drawn(value).filter(ImageFilter.GaussianBlur(11))
        small = [drawn(value).resize((n, n), Image.Resampling.BOX) for n in (14, 16, 20, 24)]
        for picture in (soft, *(np.pad(np.asarray(n), 12, constant_values=255) for n in small)):
            (row,) = single_digit.predict_chunk(
                reader, [LoadedInput("a.png", png(np.asarray(picture)))]
            )
            assert row.prediction.unsure != "the digit is too blurred"


def test_rows_of_pixels_are_taken_as_they_are(reader):
    """Images of 28x28 are not checked: MNIST under noise has soft digits at the edge, too."""
    image = 255 - np.asarray(drawn(8).resize((28, 28), Image.Resampling.BOX))
    for cut in (image, np.roll(image, 8, axis=0), np.roll(image, 16, axis=1)):
        as_row, as_file = single_digit.predict_chunk(
            reader, [LoadedInput("a#1", cut), LoadedInput("a.png", png(cut))]
        )
        assert as_row.prediction == as_file.prediction
        assert as_row.prediction == reader.predict(cut[None])[0]
