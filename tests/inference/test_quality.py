"""What a picture tells against reading it: the same for `predict`, `read` and the API."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageFilter

from inkfast.inference import results, single_digit
from inkfast.inference.page import open_page, read_page
from inkfast.inference.reader import Prediction, Reader
from inkfast.serving.prediction import PredictRequest, predict_batch
from inkfast.serving.request_images import lab_images, load_request_image
from inkfast.serving.routes_v1 import prediction_json
from tests.imaging.photographs import digit
from tests.inference.makers import png
from tests.serving.makers import drawn


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return the shipped one on one thread."""
    return Reader.open(threads=1)


def both(picture: Image.Image | np.ndarray, reader: Reader) -> tuple[Prediction, list[Prediction]]:
    """Return the answer of `predict`, and those of `read`."""
    content = png(np.asarray(picture))
    (row,) = single_digit.predict_chunk(reader, [("a.png", content)])
    page = read_page(open_page(content), reader)
    return row.prediction, [one.prediction for one in page.digits]


def test_the_api_and_the_page_give_the_reason_too(reader):
    """The reason travels with the probabilities, of the Noise Lab's noisy copy as well."""
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
def test_what_is_cut_off_is_said_to_be(value, reader):
    """The lower third outside the picture: whatever is left looks like, it is not relied on."""
    picture = np.asarray(drawn(value))[:175]
    row, page = both(picture, reader)
    assert {one.unsure for one in (row, *page)} == {"the digit is cut off at the edge of the image"}


def test_what_touches_is_said_to_touch(reader):
    """Where the network sees no digit in what is wider than high."""
    paper = np.full((120, 160), 230, np.uint8)
    for left, value in ((45, 3), (74, 5)):
        ink = digit(value, 60)
        there = paper[30 : 30 + ink.shape[0], left : left + ink.shape[1]]
        np.minimum(there, (230 - 200 * ink).clip(0, 255).astype(np.uint8), out=there)
    (row,) = single_digit.predict_chunk(reader, [("a.png", png(paper))])
    assert row.prediction.unsure == "this looks like two touching digits"


@pytest.mark.parametrize("side", [140, 280, 840])
@pytest.mark.parametrize("share", [0.072, 0.1, 0.13])
def test_what_is_too_blurred_is_not_answered_wrongly(share, side, reader):
    """Loops closed by blur make another digit, of which the network is sure: it is not relied on.

    The share is that of the side over which the blur's deviation reaches.
    """
    reasons = {
        "the digit is too blurred",
        "the digit is cut off at the edge of the image",
        results.NO_INK,
    }
    for value in range(10):
        picture = drawn(value, side).filter(ImageFilter.GaussianBlur(share * side))
        row, page = both(picture, reader)
        for one in (row, *page):
            assert one.unsure in reasons or (share < 0.1 and one.digit == value)


def test_what_is_a_little_blurred_or_small_is_answered(reader):
    """Blur by one part in 25 of the side, and few pixels, tell against nothing."""
    for value in range(10):
        soft = drawn(value).filter(ImageFilter.GaussianBlur(11))
        small = [drawn(value).resize((n, n), Image.Resampling.BOX) for n in (14, 16, 20, 24)]
        for picture in (soft, *(np.pad(np.asarray(n), 12, constant_values=255) for n in small)):
            (row,) = single_digit.predict_chunk(reader, [("a.png", png(np.asarray(picture)))])
            assert row.prediction.unsure != "the digit is too blurred"


def test_rows_of_pixels_are_taken_as_they_are(reader):
    """At 28x28 a digit at the edge, or soft, is what MNIST under noise looks like."""
    image = 255 - np.asarray(drawn(8).resize((28, 28), Image.Resampling.BOX))
    for cut in (image, np.roll(image, 8, axis=0), np.roll(image, 16, axis=1)):
        as_row, as_file = single_digit.predict_chunk(reader, [("a#1", cut), ("a.png", png(cut))])
        assert as_row.prediction == as_file.prediction
        assert as_row.prediction == reader.predict(cut[None])[0]
