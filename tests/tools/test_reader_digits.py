"""The digits that train the shipped reader are grouped by writer, and some are left out."""

from __future__ import annotations

import numpy as np

from tools.reader_digits import shrunk, training_rows, writer_group


def test_framings_of_an_image_are_one_group():
    """A writer of strokes is a group; images of unknown writers share a few groups."""
    assert writer_group("aga-001") == "aga-001"
    assert writer_group("mnist train 7") == writer_group("mnist train 257")
    assert writer_group("mnist train 7") != writer_group("mnist train 8")
    assert writer_group("mnist train 7") != writer_group("phone 7")


def test_three_in_ten_images_are_left_out():
    """The rows that train are the first seven of every ten."""
    assert training_rows(12).tolist() == [0, 1, 2, 3, 4, 5, 6, 10, 11]


def test_images_are_shrunk_by_averaging():
    """A bitmap of 56x56 becomes the mean of its squares of four pixels."""
    image = np.kron(np.eye(28), [[255, 0], [0, 255]]).astype(np.uint8)
    assert np.abs(shrunk(image[None])[0].astype(int) - 127.5 * np.eye(28)).max() <= 1
