"""Noise from Python: arrays and tensors, and what is said about the wrong ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import inkfast
from inkfast import noise
from inkfast.core.digits import Digits

SPEC = "rotate + gaussian(sigma=0.2)"
IMAGES = np.random.default_rng(0).integers(0, 256, (1200, 28, 28), np.uint8)


def test_arrays_and_tensors_get_the_same_noise():
    """Type, shape and dtype stay; uint8 and floats, NumPy and torch agree to rounding."""
    expected = noise.noisy(Digits(IMAGES, None, "random"), inkfast.build_noise(SPEC), 3).images
    array = inkfast.apply_noise(IMAGES, SPEC, seed=3)
    np.testing.assert_array_equal(array, expected)
    assert array.dtype == np.uint8
    tensor = inkfast.apply_noise(torch.tensor(IMAGES), SPEC, seed=3)
    assert tensor.dtype == torch.uint8
    np.testing.assert_array_equal(tensor.numpy(), expected)
    floats = inkfast.apply_noise(IMAGES / 255, SPEC, seed=3)
    assert floats.dtype == np.float64
    np.testing.assert_allclose(floats * 255, expected, atol=0.501)
    half = inkfast.apply_noise(torch.tensor(IMAGES[:2] / 255).half(), SPEC, seed=3)
    assert half.dtype == torch.float16


def test_shapes_stay():
    """One image, a batch and a batch with a channel come back in their shape."""
    for shape in ((28, 28), (3, 28, 28), (3, 1, 28, 28)):
        images = torch.rand(shape)
        assert inkfast.apply_noise(images, SPEC).shape == shape
        assert inkfast.apply_noise(images.numpy(), SPEC).shape == shape


def test_the_input_is_left_alone_and_the_seed_decides():
    """The copy is a new one; another seed gives another copy."""
    before = IMAGES[:5].copy()
    first, again, other = (inkfast.apply_noise(before, SPEC, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(before, IMAGES[:5])
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(inkfast.apply_noise(before, "none"), before)
    assert not np.shares_memory(inkfast.apply_noise(before, "none"), before)


@pytest.mark.parametrize(
    ("images", "spec", "seed", "message"),
    [
        ([[0]], SPEC, 0, r"images must be a NumPy array or a torch tensor, got list \[\[0\]\]"),
        (np.zeros((28, 27)), SPEC, 0, r"must have shape \(28, 28\), .* got \(28, 27\)"),
        (np.zeros((2, 3, 28, 28)), SPEC, 0, r"got \(2, 3, 28, 28\)"),
        (np.zeros((0, 28, 28)), SPEC, 0, "at least one image"),
        (
            np.zeros((28, 28), np.int64),
            SPEC,
            0,
            r"uint8, or floats in \[0, 1\] without NaN, got int64",
        ),
        (np.full((28, 28), 255.0), SPEC, 0, "got float64 from 255.0 to 255.0"),
        (torch.full((28, 28), torch.nan), SPEC, 0, "without NaN"),
        (IMAGES[:1], "rotat", 0, "unknown noise 'rotat'. Did you mean 'rotate'?"),
        (IMAGES[:1], 3, 0, "noise must be text such as"),
        (IMAGES[:1], SPEC, -1, "`seed` must be a whole number >= 0"),
    ],
)
def test_wrong_input_is_explained(images, spec, seed, message):
    """One sentence says what was expected and what was given."""
    with pytest.raises(inkfast.InkfastError, match=message):
        inkfast.apply_noise(images, spec, seed)
