"""Generators and scales of pixels."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from inkfast.core.pixels import to_uint8, to_unit
from inkfast.core.random import derive_seed, make_generator


def test_a_generator_depends_on_seed_and_purpose():
    """Each purpose has its own numbers; the same one has the same."""
    draws = [
        torch.rand(3, generator=make_generator(seed, *purpose)).tolist()
        for seed, purpose in ((0, ("a",)), (1, ("a",)), (0, ("b",)), (0, ("a", 1)), (0, ("a",)))
    ]
    assert draws[0] == draws[-1]
    assert len({tuple(draw) for draw in draws}) == 4


def test_a_derived_seed_is_the_start_of_a_digest():
    """32 bits of the SHA-256 of seed and purpose, the same on every machine."""
    digest = hashlib.sha256(b"7/noise/3").hexdigest()
    assert derive_seed(7, "noise", 3) == int(digest[:8], 16)


def test_pixels_go_to_unit_and_back():
    """For arrays and tensors alike, and to the nearest grey value."""
    grey = np.arange(256, dtype=np.uint8)
    unit = to_unit(grey)
    assert unit.dtype == np.float32
    np.testing.assert_array_equal(unit, grey.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(to_unit(torch.from_numpy(grey)).numpy(), unit)
    np.testing.assert_array_equal(to_uint8(unit), grey)
    np.testing.assert_array_equal(to_uint8(torch.from_numpy(unit)).numpy(), grey)
    assert to_uint8(np.array([0.6 / 255, 1.4 / 255])).tolist() == [1, 1]
