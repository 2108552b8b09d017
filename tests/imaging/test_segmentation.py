"""Ink of a page is split into candidates: broken digits are grouped, other things left out."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.imaging.boxes import is_cut_off
from inkfast.imaging.ink import Ink
from inkfast.imaging.segmentation import find_candidates


def page(*boxes: tuple[int, int, int, int], strength: float = 1.0) -> Ink:
    """Return a page of 200x400 with filled boxes: top, left, bottom, right.

    The last box has ink of this strength, the others of 1.
    """
    amount = np.zeros((200, 400), np.float32)
    for top, left, bottom, right in boxes:
        amount[top:bottom, left:right] = 1
    top, left, bottom, right = boxes[-1]
    amount[top:bottom, left:right] = strength
    return Ink(amount, amount > 0.1)


def found(ink: Ink) -> list[tuple[int, ...]]:
    """Return the boxes of the candidates from left to right."""
    boxes = [tuple(map(int, one.box)) for one in find_candidates(ink)]
    return sorted(boxes, key=lambda box: (box[1], box[0]))


# digits 40 pixels high
DIGIT, OTHER, THIRD = (60, 40, 100, 60), (60, 80, 100, 100), (60, 120, 100, 140)


def test_pieces_of_ink_are_candidates_of_their_own():
    """Two separate pieces of ink are two candidates with their boxes."""
    assert found(page(DIGIT, OTHER)) == [DIGIT, OTHER]


def test_a_huge_thing_at_the_edge_is_left_out():
    """More than three usual heights at the image's edge is a table or a hand, not a digit."""
    table = (0, 390, 200, 400)
    assert found(page(DIGIT, OTHER, table)) == [DIGIT, OTHER]
    inside = (10, 380, 190, 384)
    assert found(page(DIGIT, OTHER, inside)) == [DIGIT, OTHER, inside]


def test_writing_that_fills_the_image_is_kept():
    """If little ink is away from the edge, what reaches the edge is the digit and not a frame."""
    digit, speck = (0, 40, 200, 140), (90, 10, 98, 18)
    assert digit in found(page(digit, speck))


def test_pieces_that_are_huge_together_are_left_out_at_the_edge():
    """A thing at the edge may be broken into pieces that are not huge by themselves."""
    upper, lower = (0, 300, 115, 310), (120, 300, 160, 310)
    assert found(page(DIGIT, OTHER, upper, lower)) == [DIGIT, OTHER]
    upper, lower = (1, 300, 116, 310), (121, 300, 161, 310)
    assert found(page(DIGIT, OTHER, upper, lower)) == [DIGIT, OTHER, (1, 300, 161, 310)]


@pytest.mark.parametrize("below", [True, False])
def test_an_underline_is_not_part_of_the_digit_above(below):
    """A thin wide stroke just below a digit is left out, whichever piece is labelled first."""
    line = (104, 20, 107, 60) if below else (104, 40, 107, 80)
    assert found(page(DIGIT, OTHER, line)) == [DIGIT, OTHER]


def test_the_bar_of_a_five_is_part_of_its_digit():
    """A flat stroke beside the top of a digit is grouped with it."""
    body, bar = (60, 40, 100, 55), (62, 57, 66, 75)
    assert found(page(body, (60, 100, 100, 120), bar)) == [(60, 40, 100, 75), (60, 100, 100, 120)]


def test_a_digit_broken_across_is_one_candidate():
    """The upper and the lower part of a digit, a few pixels apart, are grouped."""
    upper, lower = (60, 40, 72, 60), (76, 40, 100, 60)
    assert found(page(OTHER, upper, lower)) == [DIGIT, OTHER]


def test_two_lines_of_digits_are_not_grouped():
    """Digits that stand above each other, each of the usual height, stay apart."""
    below = (110, 40, 150, 60)
    assert found(page(DIGIT, OTHER, below)) == [DIGIT, below, OTHER]


def test_faint_ink_joins_pieces_of_one_digit():
    """Pieces joined by ink too faint for the mask are one candidate; without it they are two."""
    upper, lower = (50, 40, 80, 60), (95, 40, 125, 60)
    ink = page(OTHER, THIRD, upper, lower)
    assert found(ink) == [upper, lower, OTHER, THIRD]
    ink.amount[80:95, 48:52] = 0.3
    assert found(ink) == [(50, 40, 125, 60), OTHER, THIRD]


@pytest.mark.parametrize(
    "box",
    [
        (60, 120, 67, 125),  # less than a fifth of the usual height
        (60, 120, 72, 124),  # less than 0.35 of it
        (60, 120, 75, 180),  # more than 3.5 times as wide as high
    ],
)
def test_crumbs_and_dashes_are_left_out(box):
    """What is too small or too flat for a digit is no candidate."""
    assert found(page(DIGIT, OTHER, box)) == [DIGIT, OTHER]


def test_faint_things_are_left_out():
    """Ink of less than 0.45 of the largest candidate's strength is the crossing of ruled lines."""
    box = (60, 120, 100, 138)
    assert found(page(DIGIT, OTHER, box, strength=0.4)) == [DIGIT, OTHER]
    assert found(page(DIGIT, OTHER, box, strength=0.5)) == [DIGIT, OTHER, box]


def test_a_candidate_knows_its_own_ink_and_whether_it_is_cut_off():
    """Its ink has three pixels of paper around it, and neighbours are left out."""
    left, right = (0, 10, 40, 30), (10, 34, 50, 54)
    first, second = sorted(find_candidates(page(left, right)), key=lambda one: one.box[1])
    assert (first.box, first.cut_off, first.height, first.width) == (left, True, 40, 20)
    assert (second.box, second.cut_off) == (right, False)
    assert second.ink.mask.shape == (46, 26)
    assert second.ink.mask.sum() == 40 * 20
    assert second.ink.mask[3:43, 3:23].all()
    half = np.zeros_like(second.ink.mask)
    half[3:23, 3:13] = True
    assert second.keep(half).box == (10, 34, 30, 44)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((1, 1, 9, 19), False), ((0, 1, 9, 19), True), ((1, 0, 9, 19), True),
        ((1, 1, 10, 19), True), ((1, 1, 9, 20), True), ((0, 5, 10, 9), False),
        ((4, 0, 9, 20), False), ((0, 0, 9, 9), True),
    ],
)  # fmt: skip
def test_ink_at_one_edge_is_cut_off(box, expected):
    """Ink that touches an edge is cut off, unless it spans the image from edge to edge."""
    assert is_cut_off(box, (10, 20)) == expected
