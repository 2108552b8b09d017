"""Faults of an image make its digit unsure, the same in `predict`, `read` and the API."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageFilter

from inkfast.inference import single_digit
from inkfast.inference.numbers import Character
from inkfast.inference.page import open_page, read_page
from inkfast.inference.quality import QualityCheck, check_quality
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.single_digit import LoadedInput
from inkfast.serving.prediction import PredictRequest, predict_batch
from inkfast.serving.request_images import lab_images, load_request_views
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
        partial(load_request_views, content),
        partial(lab_images, content, {}, 0, occlusion=False),
        partial(np.zeros, (1, 28, 28), np.uint8),
    ):
        (response,) = predict_batch({"reader": reader}, [PredictRequest(images, ("reader",))])
        found = prediction_json(reader, response.probabilities["reader"][-1], response.quality)
        cut_off = images.func is not np.zeros  # a tensor is taken as it is
        assert (found["unsure"] == "the digit is cut off at the edge of the image") == cut_off


def test_an_unsure_digit_at_the_edge_is_called_cut_off(reader):
    """The reason is given only where the network is unsure; a sure digit stays sure."""
    check = check_quality(20, 10, cut_off=True)
    unsure, sure = (Prediction(8, c, 3, 0.1, reason) for c, reason in ((0.5, "?"), (0.99, "")))
    assert check.apply(unsure).unsure == "the digit is cut off at the edge of the image"
    assert check.apply(sure) == sure


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
    """Loops closed by blur make another digit, of which the network is unsure.

    `share` is the standard deviation of the blur as a share of the image's side.
    """
    # every third digit at 840, where a page takes as long as nine pages of 280
    for value in range(0, 10, 3 if side == 840 else 1):
        image = drawn(value, side).filter(ImageFilter.GaussianBlur(share * side))
        row, page = both(image, reader)
        assert row.unsure or row.digit == value
        assert all(one.unsure or one.text == str(value) for one in page)


def test_slight_blur_and_small_size_are_no_fault(reader):
    """Digits blurred by a 25th of the side, or 14 to 24 pixels large, are read."""
    for value in range(10):
        soft = drawn(value).filter(ImageFilter.GaussianBlur(11))
        small = [drawn(value).resize((n, n), Image.Resampling.BOX) for n in (14, 16, 20, 24)]
        for picture in (soft, *(np.pad(np.asarray(n), 12, constant_values=255) for n in small)):
            (row,) = single_digit.predict_chunk(
                reader, [LoadedInput("a.png", png(np.asarray(picture)))]
            )
            assert row.prediction.digit == value


@pytest.mark.parametrize("kind", ["grain", "falling light", "shadow"])
def test_paper_without_a_digit_is_unsure(kind, reader):
    """On paper with grain, in falling light or half in shadow, no digit is read."""
    rng = np.random.default_rng(0)
    paper = np.full((160, 120), 0.85)
    if kind == "falling light":
        paper = np.linspace(0.95, 0.3, 120) * np.linspace(1, 0.8, 160)[:, None]
    if kind == "shadow":
        paper[:, 70:] *= 0.5
    paper = (255 * (paper + 0.02 * rng.normal(size=paper.shape))).clip(0, 255).astype(np.uint8)
    (row,) = single_digit.predict_chunk(reader, [LoadedInput("a.png", png(paper))])
    assert row.prediction.unsure


def test_rows_of_pixels_are_taken_as_they_are(reader):
    """A row of a table is seen as it is; a file of 28x28 is too, if the network is sure then."""
    grain = np.random.default_rng(0).integers(0, 60, (28, 28)).astype(np.uint8)
    image = np.maximum(grain, 255 - np.asarray(drawn(8).resize((28, 28), Image.Resampling.BOX)))
    for cut in (image, np.roll(image, 8, axis=0), np.roll(image, 16, axis=1)):
        as_row, as_file = single_digit.predict_chunk(
            reader, [LoadedInput("a#1", cut), LoadedInput("a.png", png(cut))]
        )
        assert as_row.prediction == reader.predict(cut[None])[0]
        if not as_row.prediction.unsure:
            assert as_file.prediction == as_row.prediction


class ByBrightness:
    """A classifier that knows an image by its mean: the brighter, the surer of an 8."""

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities ``(n, 10)``."""
        share = images.mean(axis=(1, 2)) / 255
        rows = np.repeat((1 - share[:, None]) / 9, 10, axis=1)
        rows[:, 8] = share
        return rows


@pytest.mark.parametrize(("levels", "chosen"), [
    ((0.9, 0.95), 0), ((0.6, 0.95), 1), ((0.6, 0.5), 0), ((0.2, 0.95), 0), ((0.6,), 0),
])  # fmt: skip
def test_another_view_is_tried_where_the_first_is_unsure(levels, chosen, monkeypatch):
    """The more confident view counts, unless the first is sure or shows nothing like a digit."""
    views = np.stack([np.full((28, 28), round(255 * level), np.uint8) for level in levels])
    monkeypatch.setattr(single_digit, "load_views", lambda *_: (views, QualityCheck()))
    reader = Reader(ByBrightness(), threshold=0.8)  # type: ignore[arg-type]
    (row,) = single_digit.predict_chunk(reader, [LoadedInput("a.png", b"")])
    assert row.prediction.confidence == pytest.approx(levels[chosen], abs=0.01)
    assert reader.choose_view(reader.classifier.probabilities(views)) == chosen
