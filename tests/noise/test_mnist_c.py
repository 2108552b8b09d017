"""Our MNIST-C against 500 images of each corruption made from the published formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inkfast import models, noise
from inkfast.core.digits import Digits
from inkfast.core.pixels import to_unit
from inkfast.core.random import make_generator
from inkfast.data import mnist
from inkfast.noise import MNIST_C
from inkfast.training import FitSpec, TrainedModel, fit, resolve_recipe
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
    out = noise.build_noise(name)(clean, make_generator(0)).numpy()
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
    out = noise.build_noise(f"mnist-c-{name}")(clean, make_generator(0)).numpy()
    assert np.sum(np.abs(out - sample[name.replace("-", "_")]) > 1.01 / 255) <= 20


@pytest.fixture(scope="module")
def reader() -> TrainedModel:
    """Return a small network, trained on clean digits for a few seconds."""
    if not DATA or not Path(DATA, "mnist").is_dir():
        pytest.skip("needs MNIST")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INKFAST_DATA", DATA)
        digits = mnist.load_mnist().train.pick(np.arange(12_000), "12,000 of MNIST")
    recipe = resolve_recipe(
        {"epochs": 2, "batch_size": 125, "learning_rate": 0.01, "precision": "fp32"}
    )
    return fit(
        FitSpec(
            architecture=models.build_model("cnn(layers='C16(5)/2-C32-C32/2-GMP')"), recipe=recipe,
            digits=digits, noise=noise.build_noise("none"), threads=1,
        )
    )  # fmt: skip


def test_a_network_finds_them_as_hard(reader, sample):
    """Accuracy differs by at most 4 standard errors on each corruption, by 3 points on average."""
    clean = Digits((sample["identity"] * 255).round().astype(np.uint8), sample_labels(), "clean")
    differences = []
    for name in MNIST_C:
        ours = noise.noisy(clean, noise.build_noise(name), 0).images
        theirs = sample[name.removeprefix("mnist-c-").replace("-", "_")] * 255
        found = [accuracy(reader, images) for images in (ours, theirs.round().astype(np.uint8))]
        error = np.sqrt(sum(share * (1 - share) / 500 for share in found))
        assert abs(found[0] - found[1]) <= 4 * error + 0.004, name
        differences.append(found[0] - found[1])
    assert np.mean(np.abs(differences)) < 0.03


def accuracy(reader: TrainedModel, images: np.ndarray) -> float:
    """Return the share of the sample that is read right."""
    answers = reader.probabilities(Digits(images, None, "corrupted")).argmax(axis=1)
    return float(np.mean(answers == sample_labels()))


def sample_labels() -> np.ndarray:
    """Return the labels of the sample, which are those of the first 500 test digits."""
    with np.load(Path(DATA) / "mnist-c-sample" / "first500.npz") as file:
        return file["labels"].astype(np.int64)
