"""Synthetic pages: rectangles lie where the numbers are."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.layout import place_text, sample_layout
from inkfast.synthetic.page_canvas import PageCanvas, enclosing_quad
from inkfast.synthetic.page_layouts import LAYOUTS
from inkfast.synthetic.pages import compose_layout, compose_page
from inkfast.synthetic.pens import Pen
from inkfast.synthetic.strips import Handwriting

HANDWRITING = Handwriting(draw_library())


def written(text: str, turn: float = 0.0, **options: bool) -> tuple[PageCanvas, np.ndarray]:
    """Return a canvas with one number, and its ink."""
    rng = np.random.default_rng(3)
    canvas = PageCanvas((200, 400), turn)
    layout = sample_layout(rng)
    placed = place_text(text, HANDWRITING.sample_hand(rng), layout, rng)
    canvas.add_number(placed, layout, (120, 90), 20, rng, **options)
    return canvas, canvas.draw(Pen(2), Pen(1), rng)[0]


@pytest.mark.parametrize("turn", [0.0, 0.3, -0.7])
def test_rectangle_encloses_the_ink(turn: float):
    """The rectangle of a number has all of its ink inside and is no larger than needed."""
    canvas, ink = written("4711", turn)
    (quad,) = canvas.numbers
    y, x = np.nonzero(ink > 0.5)
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    points = np.stack([x, y], axis=1) + 0.5 - quad[0]
    for axis in (along, down):
        share = points @ axis / (axis @ axis)
        assert -0.06 < share.min() < 0.2
        assert 0.8 < share.max() < 1.06


def test_wide_gap_makes_two_rectangles():
    """Numbers with a wide gap have a rectangle each, unless nothing else is on the page."""
    text = "12" + " " * 4 + "34"
    assert len(written(text)[0].numbers) == 2
    assert len(written(text, alone=True)[0].numbers) == 1


def test_unknown_signs_are_no_number():
    """A text of unknown signs alone is writing that is no number."""
    canvas, _ = written("??")
    assert (len(canvas.numbers), len(canvas.others)) == (0, 1)


def test_nothing_off_the_sheet():
    """A number that would lie off the sheet is not written."""
    rng = np.random.default_rng(0)
    outline = np.array([[0, 0], [100, 0], [100, 200], [0, 200]], float)
    canvas = PageCanvas((200, 400), outline=outline)
    layout = sample_layout(rng)
    placed = place_text("12", HANDWRITING.sample_hand(rng), layout, rng)
    assert not canvas.add_number(placed, layout, (250, 90), 20, rng)
    assert canvas.add_number(placed, layout, (20, 90), 20, rng)
    assert len(canvas.numbers) == 1


def test_enclosing_rectangle_of_a_slope():
    """The rectangle around points of a line at its angle is flat."""
    points = np.array([[0, 0], [10, 5], [20, 10]], float)
    quad = enclosing_quad(points, np.arctan(0.5), 0.0)
    assert np.hypot(*(quad[3] - quad[0])) == pytest.approx(0, abs=1e-9)
    assert np.hypot(*(quad[1] - quad[0])) == pytest.approx(np.hypot(20, 10))


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_composes(layout: str):
    """Every layout fills a page with finite rectangles; bare paper and words have no number."""
    page = compose_layout(HANDWRITING, np.random.default_rng(1), layout, (160, 200), 16)
    assert page.image.shape == (160, 200)
    assert page.image.dtype == np.uint8
    for quads in (page.numbers, page.others, page.ignored):
        assert quads.shape[1:] == (4, 2)
        assert np.isfinite(quads).all()
    assert (len(page.numbers) > 0) == (layout not in ("words", "bare"))


def test_the_same_seed_gives_the_same_page():
    """A page depends on its seed alone."""
    one, other = (compose_page(HANDWRITING, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.numbers, other.numbers)
