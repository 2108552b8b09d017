"""Overlays show every number legibly on images of any size, and unsure ones by more than colour."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inkfast.inference.drawing import draw_review
from inkfast.inference.overlay import draw_overlay
from inkfast.inference.page_result import Page, PageNumber
from tests.inference.test_columns import reading

PAPER = (236, 230, 216)
SIZES = [(60, 20), (20, 60), (400, 300), (2000, 1500), (10_000, 1)]


def page_of(size: tuple[int, int], unsure: str = "", turned: int = 0) -> Page:
    """Return a page with one number in its middle and a mark that was not read."""
    width, height = size
    box = (width // 4, height // 4, max(1, width // 2), max(1, height // 2))
    number = PageNumber(box, 1, 1, reading("407", unsure), np.full((28, 84), 255, np.uint8))
    return Page(size, (number,), marks=((0, 0, max(1, width // 9), 1),), turned=turned)


def drawn(size: tuple[int, int], **about) -> np.ndarray:
    return np.asarray(draw_overlay(Image.new("RGB", size, PAPER), page_of(size, **about)), int)


@pytest.mark.parametrize("size", SIZES)
def test_texts_are_legible_on_every_size(size):
    """The text's plate lies on the canvas and is high enough to be read on a screen."""
    pixels = drawn(size)
    white = (pixels == 255).all(axis=2)
    green = np.abs(pixels - (0, 110, 55)).max(axis=2) < 8
    rows = np.flatnonzero((green | white).sum(axis=1) * (green.sum(axis=1) > 6))
    assert len(rows) >= max(13, max(size) / 100)
    assert max(pixels.shape[:2]) >= 700


@pytest.mark.parametrize("size", SIZES[:4])
def test_unsure_numbers_differ_without_colours(size):
    """In grey, the box of an unsure number is broken where that of a sure one is not."""
    sure, unsure = drawn(size), drawn(size, unsure="it may be 401")
    assert longest_run(unsure.mean(axis=2) < 110) < 0.5 * longest_run(sure.mean(axis=2) < 110)


def longest_run(dark: np.ndarray) -> int:
    """Return the length of the longest vertical run of True."""
    padded = np.pad(dark, ((1, 1), (0, 0))).T.astype(int)
    changes = np.flatnonzero(np.diff(padded.ravel()))
    return int((changes[1::2] - changes[::2]).max())


def test_pages_are_drawn_as_they_were_read():
    """A page that was turned to be read is turned in its overlay."""
    pixels = np.asarray(
        draw_overlay(Image.new("RGB", (300, 400), PAPER), page_of((400, 300), turned=90))
    )
    assert pixels.shape[1] > pixels.shape[0]


def test_reviews_show_the_number_and_what_the_network_saw():
    """Both halves have the same scale of height; an endless strip is not drawn endlessly."""
    for size in ((400, 300), (10_000, 1)):
        page = page_of(size)
        review = draw_review(Image.new("RGB", size, PAPER), page, page.numbers[0])
        assert review.width <= 1600
        assert review.height <= 2 * 168 + 8
        assert (np.asarray(review)[-2, review.width // 2] == 255).all()
