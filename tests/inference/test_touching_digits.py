"""Digits that touch are split where the reader is surer of both halves than of the whole."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from inkfast.imaging.ink import Ink
from inkfast.imaging.segmentation import DigitCandidate
from inkfast.inference import touching_digits
from inkfast.inference.page import open_page, read_page
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.touching_digits import (
    ReadCandidate,
    propose_cuts,
    read_candidates,
    split_touching_digits,
)
from tests.imaging.photographs import file_of, photographed, write_on


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Return the shipped reader on one thread."""
    return Reader.open(threads=1)


def test_specks_are_not_cut_in_two():
    """A cut is not proposed if nothing but crumbs would be left of each half."""
    specks = np.zeros((66, 86), bool)
    specks[6:60:8, 6:80:8] = True
    candidate = DigitCandidate((3, 3, 63, 83), Ink(specks.astype(np.float32), specks))
    assert propose_cuts(candidate, max_crossings=2) == []


@pytest.mark.parametrize(
    ("number", "overlap"), [("06", 11), ("65", 14), ("68", 17), ("200", 15), ("602", 17)]
)
def test_touching_digits_are_split(number, overlap, reader):
    """Two or three digits pushed together are read as so many, each with a box of its own.

    65 and 68 touch in more places than a cut may cross in what may be one digit; of three digits, a
    half is cut again.
    """
    canvas, end = np.zeros((120, 320)), 60 + overlap
    for letter in number:
        end = write_on(canvas, letter, end - overlap, 40, 40)
    assert ndimage.label(canvas > 0.3, np.ones((3, 3)))[1] == 1
    found = read_page(open_page(file_of(photographed(canvas))), reader)
    assert [one.text for one in found.numbers] == [number]
    assert found.numbers[0].character_boxes == sorted(found.numbers[0].character_boxes)


def test_a_bounded_number_of_candidates_is_cut(monkeypatch, reader):
    """Of a page full of touching digits only the least sure are cut, so that time is bounded."""
    tried = []
    monkeypatch.setattr(
        touching_digits,
        "propose_cuts",
        lambda candidate, max_crossings: tried.append(candidate.box) or [],
    )
    ink = Ink(np.ones((26, 36), np.float32), np.ones((26, 36), bool))
    found = [
        ReadCandidate(
            DigitCandidate((0, left, 20, left + 30), ink),
            np.zeros((28, 28), np.uint8),
            Prediction(0, 0.9 - left / 1000, 1, 0.05, "unsure"),
        )
        for left in range(120)
    ]
    whole = split_touching_digits(found, reader)
    assert sorted(whole, key=lambda one: one.candidate.box[1]) == found
    assert sorted(box[1] for box in tried) == list(range(40, 120))


def test_a_page_of_texture_is_not_cut(monkeypatch, reader):
    """With more than 300 candidates a page is taken for texture, and no cut is tried."""

    def fail(*_):
        raise AssertionError("a cut was tried")

    monkeypatch.setattr(touching_digits, "propose_cuts", fail)
    wide = SimpleNamespace(width=30, height=20)
    one = ReadCandidate(wide, None, Prediction(0, 0.6, 1, 0.05, "unsure"))
    assert split_touching_digits([one] * 301, reader) == [one] * 301


@pytest.mark.parametrize(("confidence", "n"), [(0.94, 1), (0.95, 1), (0.96, 2)])
def test_halves_must_be_surer_than_the_whole_and_than_a_bound(confidence, n, monkeypatch, reader):
    """A candidate read with some confidence is split only if both halves have a high one."""
    both, half = SimpleNamespace(width=20, height=20), SimpleNamespace(width=10, height=20)
    whole = ReadCandidate(both, None, Prediction(4, 0.6, 9, 0.3, "it may be 4 or 9"))
    monkeypatch.setattr(
        touching_digits, "propose_cuts", lambda one, _: [(half, half)] if one is both else []
    )

    def read_for_sure(candidates, _):
        prediction = Prediction(1, confidence, 7, 0.0, "")
        return [ReadCandidate(candidate, None, prediction) for candidate in candidates]

    monkeypatch.setattr(touching_digits, "read_candidates", read_for_sure)
    assert len(split_touching_digits([whole], reader)) == n


def test_no_candidates_are_read_as_none(reader):
    """An empty page gives no predictions, without a call that fails."""
    assert read_candidates([], reader) == []
