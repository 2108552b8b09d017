"""Framings show a character as people crop, draw and photograph it."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.framings import FRAMINGS, Framing, frame_glyph
from inkfast.synthetic.hands import Glyph, RasterDigits
from inkfast.synthetic.handwriting import make_handwriting
from inkfast.synthetic.varied_digits import DigitMix, as_digits, make_varied_digits

LIBRARY = draw_library()


def glyph(label: str = "3", seed: int = 0) -> Glyph:
    """Return a digit of a drawn hand."""
    rng = np.random.default_rng(seed)
    return LIBRARY.sample_hand(rng).glyph(label, rng)


def ink_of(framing: Framing, seed: int = 0) -> np.ndarray:
    """Return where there is ink in a framed 3."""
    grey = frame_glyph(glyph(), framing, np.random.default_rng(seed)).astype(float)
    grey = 255 - grey if np.median(grey) > 127 else grey
    return grey > 0.5 * grey.max()


@pytest.mark.parametrize("kind", FRAMINGS)
def test_a_seed_decides_a_framed_digit(kind):
    """Every framing gives an image of at least 8 pixels a side, the same for the same seed."""

    def frame(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return frame_glyph(glyph(), FRAMINGS[kind](rng), rng, glyph)

    for seed in range(5):
        found = frame(seed)
        assert found.dtype == np.uint8
        assert min(found.shape) >= 8
        np.testing.assert_array_equal(found, frame(seed))
        assert np.ptp(found) > 20


def test_margins_are_shares_of_the_ink():
    """A digit lies in the middle of even margins; a negative margin cuts its ink off."""
    ink = ink_of(Framing((1.0, 1.0, 1.0, 1.0)))
    rows, columns = np.nonzero(ink)
    assert np.ptp(rows) == pytest.approx(ink.shape[0] / 3, abs=3)
    assert columns.min() == pytest.approx(ink.shape[1] - 1 - columns.max(), abs=3)
    whole, cut = ink_of(Framing((0.1, 0.1, 0.1, 0.1))), ink_of(Framing((0.1, 0.1, 0.1, -0.4)))
    assert cut.sum() < 0.85 * whole.sum()
    assert cut[-1].any()
    assert not whole[-1].any()


def test_a_stretched_digit_is_as_wide_as_high():
    """Without a factor of the width, the ink fills a square."""
    rows, columns = np.nonzero(ink_of(Framing(stretch=0)))
    assert np.ptp(columns) == pytest.approx(np.ptp(rows), abs=4)


def test_the_weight_makes_strokes_thinner_or_thicker():
    """The same digit has more ink with a greater weight."""
    amounts = [ink_of(Framing(weight=weight)).mean() for weight in (0.4, 1, 2)]
    assert amounts[0] < amounts[1] < amounts[2]


def test_neighbours_and_rules_reach_the_edge():
    """A neighbour touches one edge of the image; rules go from edge to edge."""
    alone = frame_glyph(glyph(), Framing(), np.random.default_rng(1))
    for framing in (Framing(neighbours=1), Framing(rules=4)):
        beside = frame_glyph(glyph(), framing, np.random.default_rng(1), lambda: glyph("8"))
        edges = [
            np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
            for image in (alone, beside)
        ]
        assert np.ptp(edges[0].astype(int)) + 20 < np.ptp(edges[1].astype(int))


def test_bilevel_images_have_two_values_and_the_side_asked_for():
    """A bitmap of 16 pixels has no grey."""
    found = frame_glyph(glyph(), Framing(bilevel=True, side=16), np.random.default_rng(0))
    assert max(found.shape) == 16
    assert set(np.unique(found)) == {0, 255}


@pytest.fixture(scope="module")
def mix() -> DigitMix:
    """Return pen strokes and images of digits drawn by a program."""
    return DigitMix(LIBRARY, {RasterDigits(make_handwriting(100)): 1.0})


def test_varied_digits_have_labels_and_writers(mix):
    """They come from pens, styles and images; a block of the same seed is the same."""
    images, labels, writers = make_varied_digits(mix, 60, seed=2)
    np.testing.assert_array_equal(make_varied_digits(mix, 60, seed=2)[0], images)
    assert images.shape == (60, 28, 28)
    assert images.any(axis=(1, 2)).mean() > 0.9
    origins = {writer.partition(" ")[0].partition("-")[0] for writer in writers}
    assert origins == {"drawn", "style", "synthetic"}
    digits = as_digits(images, labels, writers, "varied")
    same = np.array(writers)[:, None] == np.array(writers)
    np.testing.assert_array_equal(digits.writers[:, None] == digits.writers, same)


def test_varied_digits_look_like_their_labels(mix):
    """Most tight digits are nearest to a mean image of their label."""
    images, labels, _ = make_varied_digits(mix, 300, kind="tight")
    given = np.array(labels, int)
    known = make_handwriting(1000, seed=5)
    means = np.stack([known.images[known.known_labels == k].mean(axis=0) for k in range(10)])
    flat, centres = images.reshape(len(images), -1).astype(float), means.reshape(10, -1)
    nearest = ((flat[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == given).mean() > 0.5
