"""What architectures are built of does what its source says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from inkfast.models.blocks import LocalContrast


def test_local_contrast_is_that_of_its_source():
    """The definition, written out with scipy's correlation."""
    image = np.random.default_rng(0).random((28, 28), np.float32)
    line = np.exp(-0.5 * ((np.arange(9) - 4) / 2.0) ** 2)
    window = np.outer(line, line) / line.sum() ** 2
    centred = image - ndimage.correlate(image, window, mode="nearest")
    deviation = np.sqrt(ndimage.correlate(centred**2, window, mode="nearest"))
    expected = centred / np.maximum(deviation, deviation.mean())
    found = LocalContrast()(torch.from_numpy(image)[None, None])[0, 0]
    assert found.numpy() == pytest.approx(expected, abs=1e-4)


def test_local_contrast_sees_neither_light_nor_gain():
    """A digit under half the light on a lighter ground is the same digit."""
    images = torch.rand(4, 2, 28, 28)
    layer = LocalContrast()
    assert torch.allclose(layer(images), layer(0.5 * images + 0.3), atol=1e-3)


def test_local_contrast_of_an_even_field_is_nothing():
    """No contrast, no division by zero."""
    assert LocalContrast()(torch.full((1, 1, 28, 28), 0.7)).abs().max() < 0.01
