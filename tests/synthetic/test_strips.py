"""Synthetic numbers: what is composed is what the label says, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkfast.core.digits import Digits
from inkfast.inference.numbers import ALPHABET
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.examples import even_layout
from inkfast.synthetic.hands import Glyph, RasterDigits, RasterHand, StyleHand, split_writers
from inkfast.synthetic.handwriting import make_handwriting
from inkfast.synthetic.layout import place_text, sample_layout
from inkfast.synthetic.number_texts import THIN, sample_text
from inkfast.synthetic.papers import sample_paper
from inkfast.synthetic.pens import Pen, draw_lines, sample_pen
from inkfast.synthetic.scanning import degrade, expose
from inkfast.synthetic.strips import Handwriting, compose_digit, compose_strip

LIBRARY = draw_library()
HANDWRITING = Handwriting(LIBRARY, ((RasterDigits(make_handwriting(200)), 1.0),))


def test_texts_are_of_the_alphabet():
    """Texts of numbers have no character that a number reader cannot answer."""
    rng = np.random.default_rng(0)
    texts = [sample_text(rng) for _ in range(2000)]
    assert set("".join(texts)) <= set(ALPHABET + THIN)
    assert all(text == text.strip() and text for text in texts)
    assert set("0123456789.,-/:+=%?# ") <= set("".join(texts))


def test_the_same_seed_gives_the_same_strip():
    """A strip depends on its seed alone."""
    one, other = (compose_strip(HANDWRITING, np.random.default_rng(5)) for _ in range(2))
    assert one.text == other.text
    assert np.array_equal(one.image, other.image)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_strips_are_grey_images_with_their_text(seed):
    """Every strip is a uint8 image of some size, its text in the alphabet without layout marks."""
    strip = compose_strip(HANDWRITING, np.random.default_rng(seed))
    assert strip.image.dtype == np.uint8
    assert strip.image.ndim == 2
    assert min(strip.image.shape) >= 6
    assert THIN not in strip.text
    assert set(strip.text) <= set(ALPHABET)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_digit_is_cut_out_of_a_number(seed):
    """The image has the label of one digit, whatever its neighbours leave around it."""
    made = [
        compose_digit(StyleHand(LIBRARY.sample_hand(rng)), LIBRARY, rng)
        for rng in (np.random.default_rng(seed), np.random.default_rng(seed))
    ]
    assert made[0].text == made[1].text
    assert made[0].text in "0123456789"
    assert np.array_equal(made[0].image, made[1].image)
    assert made[0].image.dtype == np.uint8
    assert min(made[0].image.shape) >= 6


class _OnlySevens:
    """A hand whose digits are large rings, but for a small cross that stands for the 7."""

    def glyph(self, character, rng):
        """Return a glyph."""
        turns = np.linspace(0, 2 * np.pi, 30)[:, None]
        ring = 0.5 + 0.5 * np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
        cross = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
        return Glyph(cross if character == "7" else (ring,))


def test_the_digit_is_in_the_middle_of_its_image():
    """Ink crosses the middle of a cross and leaves that of a ring empty."""
    rng = np.random.default_rng(1)
    inked: dict[bool, list[bool]] = {True: [], False: []}
    while min(map(len, inked.values())) < 12:
        strip = compose_digit(_OnlySevens(), LIBRARY, rng)
        height, width = strip.image.shape
        part = strip.image[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8]
        away = np.abs(part.astype(float) - np.median(strip.image)).max()
        inked[strip.text == "7"].append(bool(away > 0.6 * np.ptp(strip.image)))
    assert np.mean(inked[True]) > np.mean(inked[False]) + 0.3


def test_bare_paper_has_no_text():
    """An empty text gives a strip on which nothing is written."""
    assert compose_strip(HANDWRITING, np.random.default_rng(0), "").text == ""


@pytest.mark.parametrize("character", [c for c in ALPHABET if c != " "])
def test_every_character_leaves_ink(character):
    """Each character of the alphabet is drawn by every kind of hand that has it."""
    rng = np.random.default_rng(1)
    writer = LIBRARY.sample_hand(rng)
    for hand in (writer, StyleHand(writer), RasterHand(HANDWRITING.rasters[0][0], writer)):
        (one,) = place_text(character, hand, sample_layout(rng), rng)
        assert one.character == character
        assert one.lines or one.raster is not None


def test_glyphs_follow_each_other_from_left_to_right():
    """The middles of the glyphs of a number increase, a wider gap where the text has a space."""
    rng = np.random.default_rng(2)
    hand = LIBRARY.sample_hand(rng)
    for _ in range(50):
        placed = place_text("12 34", hand, sample_layout(rng), rng)
        middles = [(one.box[0] + one.box[2]) / 2 for one in placed]
        steps = np.diff(middles)
        assert len(placed) == 4
        assert (steps > 0).all()
        assert steps[1] > steps[[0, 2]].mean()


def test_symbols_stand_where_people_write_them():
    """A full stop lies at the base line, a dash in the middle, a slash over the whole height."""
    rng = np.random.default_rng(3)
    hand = LIBRARY.sample_hand(rng)
    stop, dash, slash = (
        np.mean([_extent(hand, character, rng) for _ in range(50)], axis=0) for character in ".-/"
    )
    assert 0.7 < stop[0] < stop[1] < 1.2
    assert 0.3 < dash[0] < dash[1] < 0.7
    assert slash[0] < -0.1
    assert slash[1] > 1.1


def test_a_slash_is_higher_than_the_digits():
    """A stroke that is as high as the digits is a 1, so no slash is."""
    rng = np.random.default_rng(4)
    hand = LIBRARY.sample_hand(rng)
    heights = [np.ptp(_extent(hand, "/", rng)) for _ in range(100)]
    assert np.mean(np.array(heights) > 1.1) > 0.95


@pytest.mark.parametrize("slant", [-0.6, 0.0, 0.6])
def test_images_of_digits_lean_with_their_number(slant):
    """The upper half of an upright stroke lies to the right of the lower one by half the slant."""
    stroke = Glyph(raster=np.pad(np.ones((40, 4), np.float32), ((0, 0), (8, 8))))
    hand = type("Hand", (), {"glyph": lambda self, character, rng: stroke})()
    layout = replace(even_layout(np.random.default_rng(0)), slant=0.08 + slant)
    (one,) = place_text("1", hand, layout, np.random.default_rng(0))
    columns = np.arange(one.raster.shape[1])
    upper, lower = (half.sum(axis=0) @ columns / half.sum() for half in np.split(one.raster, 2))
    assert upper - lower == pytest.approx(20 * slant, abs=1)


def test_clear_strips_have_more_contrast():
    """Ink on a clear strip differs more from its paper, and fewer effects of scanning hide it."""
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 18:22] = 1
    contrast = {}
    for clear in (False, True):
        rng = np.random.default_rng(5)
        papers = [sample_paper(ink.shape, 40.0, rng) for _ in range(200)]
        greys = [
            degrade(expose(ink, one, rng, clear=clear), 40.0, rng, clear=clear) for one in papers
        ]
        contrast[clear] = [abs(float(np.median(g[10:30, 18:22])) - np.median(g)) for g in greys]
    assert np.quantile(contrast[True], 0.1) > 1.3 * np.quantile(contrast[False], 0.1)


def _extent(hand, character, rng):
    points = np.concatenate(hand.glyph(character, rng).lines)
    return points[:, 1].min(), points[:, 1].max()


def test_writers_left_out_are_a_sixth_of_each_contributor():
    """The split is by writer, the same in any order, and takes every sixth of a contributor."""
    names = [f"aga-{i:03}" for i in range(12)] + [f"syn-{i:03}" for i in range(3)]
    train, left_out = split_writers(names)
    assert left_out == {"aga-003", "aga-009"}
    assert train | left_out == set(names)
    assert split_writers(reversed(names)) == (train, left_out)


def test_a_library_uses_its_writers_alone():
    """Hands are those of the writers that were given."""
    train = frozenset(["drawn-001", "drawn-004"])
    library = type(LIBRARY)(LIBRARY.digits, LIBRARY.symbols, LIBRARY.letters, train)
    rng = np.random.default_rng(4)
    assert {library.sample_hand(rng).writer for _ in range(40)} == train
    strokes, i = library.sample("drawn-001", "7", rng)
    assert (strokes.writer(i), strokes.label(i)) == ("drawn-001", "7")


def test_a_pen_draws_a_line_of_its_width():
    """The ink of a line across is as high as the pen is wide."""
    line = np.array([[10.0, 20.0], [90.0, 20.0]])
    for width in (2.0, 4.0, 9.0):
        ink = draw_lines([line], (40, 100), Pen(width), np.random.default_rng(0))
        assert ink[:, 50].sum() == pytest.approx(width, abs=0.6)
        assert ink[:, 2].sum() == 0


def test_a_nib_is_broad_in_one_direction():
    """A nib held along the line draws it thinner than one held across."""
    line = np.array([[5.0, 20.0], [95.0, 20.0]])
    along, across = (
        draw_lines([line], (40, 100), Pen(8, nib=0.7, angle=angle), np.random.default_rng(0))
        for angle in (0, np.pi / 2)
    )
    assert along[:, 50].sum() < 0.5 * across[:, 50].sum()


@pytest.mark.parametrize("seed", range(30))
def test_pens_and_papers_stay_in_range(seed):
    """Ink and paper are in [0, 1], whatever is drawn."""
    rng = np.random.default_rng(seed)
    ink = draw_lines(
        [np.array([[3.0, 3.0], [50.0, 30.0]]), np.array([[9.0, 9.0]])],
        (40, 60),
        sample_pen(rng, 30),
        rng,
    )
    paper = sample_paper((40, 60), 30, rng)
    for field in (ink, paper):
        assert field.shape == (40, 60)
        assert field.min() >= 0
        assert field.max() <= 1
    assert ink.max() > 0.2


def test_raster_digits_know_the_rows_of_each_label():
    """Rows of a raster source are those with the label."""
    digits = Digits(np.zeros((3, 28, 28), np.uint8), np.array([1, 1, 4]), "three")
    assert {k: rows.tolist() for k, rows in RasterDigits(digits).rows.items()} == {
        "1": [0, 1],
        "4": [2],
    }
