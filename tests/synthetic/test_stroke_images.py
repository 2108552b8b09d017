"""Digits drawn from pen strokes: where they lie, how thick they are, what is smoothed."""

from __future__ import annotations

import numpy as np
import pytest

from inkfast.synthetic.pen_strokes import PenStrokes
from inkfast.synthetic.stroke_images import coarse_writers, draw_digit, draw_digits

RING = np.rint(
    500 + 500 * np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 60)), np.sin(t)], 1)
).astype(np.int16)
STAIRS = np.array([[100 * ((i + 1) // 2), 100 * (i // 2)] for i in range(21)], np.int16)


def strokes_of(samples: list[list[np.ndarray]], writers: list[int], names: list[str]) -> PenStrokes:
    lines = [line for sample in samples for line in sample]
    return PenStrokes(
        points=np.concatenate(lines).astype(np.int16),
        stroke_start=np.cumsum([0, *map(len, lines)]).astype(np.int32),
        sample_start=np.cumsum([0, *map(len, samples)]).astype(np.int32),
        labels=np.array(["0"] * len(samples)),
        writers=np.array(writers, np.int16),
        writer_names=np.array(names),
        size=np.ones(len(samples), np.float32),
        name="made up",
    )


@pytest.mark.parametrize("width", [1.6, 2.5, 4])
def test_a_ring_fills_the_box_and_is_as_thick_as_its_pen(width):
    """The larger side is 20 pixels, the centre of mass the middle, the ink that of a ring."""
    image = draw_digit([RING], width) / 255
    rows = np.flatnonzero(image.max(axis=1) > 0.2)
    assert 19 <= rows[-1] - rows[0] + 1 <= 21
    centre = [(image.sum(axis=a) * np.arange(28)).sum() / image.sum() for a in (0, 1)]
    np.testing.assert_allclose(centre, 13.5, atol=0.6)
    assert image.sum() == pytest.approx(np.pi * (20 - width) * width, rel=0.12)
    assert image[13:15, 13:15].max() == 0


def test_strokes_are_not_joined_and_a_single_point_is_a_dot():
    """Between two strokes there is no ink; a point has the size of the pen before it is scaled."""
    two = [np.array([[0, 0], [0, 1000]]), np.array([[800, 0], [800, 1000]])]
    image = draw_digit(two, 2)
    assert image[10:18, 12:16].max() == 0
    assert draw_digit([np.array([[0, 0]])], 2).max() > 200


def test_stairs_are_smoothed_and_ends_are_kept():
    """Each of three passes takes the mean of a point, counted twice, and its neighbours."""
    line = STAIRS.astype(float)
    for _ in range(3):
        inner = [np.convolve(column, [0.25, 0.5, 0.25], "valid") for column in line.T]
        line = np.concatenate([line[:1], np.stack(inner, axis=1), line[-1:]])
    smooth = draw_digit([STAIRS], 2, coarse=True)
    np.testing.assert_array_equal(smooth, draw_digit([line], 2))
    assert not np.array_equal(smooth, draw_digit([STAIRS], 2))
    short = [draw_digit([RING[:2]], 2, coarse=c) for c in (True, False)]
    np.testing.assert_array_equal(*short)


def test_writers_on_coarse_tablets_are_found():
    """Steps parallel to an axis tell; the way from one stroke to the next does not count."""
    flat = [np.array([[0, 0], [300, 400]]), np.array([[300, 500], [0, 1000]])]
    found = strokes_of([[STAIRS], [RING], flat, [STAIRS]], [2, 1, 0, 2], ["a", "b", "c", "unused"])
    assert coarse_writers(found).tolist() == [2]


def test_each_writer_has_a_pen():
    """Samples of a writer are equally thick, whoever else is drawn; writers differ."""
    names = [f"w-{i}" for i in range(8)]
    images = draw_digits(strokes_of([[RING]] * 16, [*range(8), *range(8)], names))
    ink = images.sum(axis=(1, 2), dtype=int)
    assert ink[:8].tolist() == ink[8:].tolist()
    assert len(set(ink[:8])) > 4
    alone = draw_digits(strokes_of([[RING]], [0], ["w-5"]))
    np.testing.assert_array_equal(alone[0], images[5])
