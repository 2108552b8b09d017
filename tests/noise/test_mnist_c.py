"""Our MNIST-C against 500 images of each corruption made from the published formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inkfast import noise
from inkfast.noise import MNIST_C, to_unit
from inkfast.streams import stream
from tests.conftest import DATA


@pytest.fixture(scope="module")
def sample() -> dict[str, np.ndarray]:
    """Return the images of each corruption in [0, 1], and the clean ones as `identity`."""
    path = Path(DATA) / "mnist-c-sample" / "first500.npz"
    if not path.is_file():
        pytest.skip("needs a sample of MNIST-C beside MNIST")
    with np.load(path) as file:
        return {key: file[key] / 255 for key in file.files if key != "labels"}


def statistics(images: np.ndarray, clean: np.ndarray) -> dict[str, np.ndarray]:
    """Return for each image what describes a corruption without regard to what was drawn."""
    pixels = (1, 2)
    return {
        "mean": images.mean(axis=pixels),
        "deviation": images.std(axis=pixels),
        "distance": np.abs(images - clean).mean(axis=pixels),
        "black": np.mean(images < 1 / 255, axis=pixels),
        "white": np.mean(images > 254 / 255, axis=pixels),
        "down": np.abs(np.diff(images, axis=1)).mean(axis=pixels),
        "right": np.abs(np.diff(images, axis=2)).mean(axis=pixels),
    }


@pytest.mark.parametrize("name", MNIST_C)
def test_pixel_statistics_agree(name, sample):
    """Means over 500 images differ by at most 4 standard errors and what rounding explains."""
    clean = to_unit(torch.tensor((sample["identity"] * 255).round().astype(np.uint8)))
    out = noise.build(name)(clean, stream(0)).numpy()
    found = statistics(out, sample["identity"])
    published = sample[name.removeprefix("mnist-c-").replace("-", "_")]
    for key, expected in statistics(published, sample["identity"]).items():
        error = np.sqrt((found[key].var() + expected.var()) / len(expected))
        # a pixel cut down to 8 bits may turn black
        rounding = 0.02 if key in ("black", "white") else 1 / 255
        assert found[key].mean() == pytest.approx(expected.mean(), abs=4 * error + rounding), key


@pytest.mark.parametrize("name", ["canny-edges", "stripe", "scale"])
def test_what_is_not_random_agrees_pixel_by_pixel(name, sample):
    """Of 392,000 pixels at most 20, on the rim, differ by more than rounding."""
    clean = to_unit(torch.tensor((sample["identity"] * 255).round().astype(np.uint8)))
    out = noise.build(f"mnist-c-{name}")(clean, stream(0)).numpy()
    assert np.sum(np.abs(out - sample[name.replace("-", "_")]) > 1.01 / 255) <= 20
