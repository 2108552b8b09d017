"""The page's noises are those of `inkfast.noise`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from inkfast import noise
from inkfast.core.io import sha256
from inkfast.inference.reader import SHIPPED_FOLDER
from inkfast.serving.occlusion_map import occluded_images, occlusion_map
from inkfast.serving.page_noise import SLIDERS, corrupt_with_sliders, slider_chain
from inkfast.serving.request_images import digit_image
from inkfast.serving.routes_lab import PAGE
from tests.serving.makers import as_file, drawn

IMAGE = digit_image(as_file(drawn(5)))


@pytest.mark.parametrize(
    "slider", [s for s in SLIDERS if s.name not in ("gaussian", "impulse")], ids=lambda s: s.name
)
def test_a_slider_agrees_with_its_corruption(slider):
    """A slider agrees with its corruption to within one grey value of 255."""
    for strength in np.linspace(slider.low, slider.high, 7):
        (ours,) = noise.build_noise(slider.spec(strength))
        clean = torch.tensor(IMAGE[None]).float() / 255
        expected = 255 * ours.apply(clean, ours.sample(1, torch.Generator()))[0].numpy()
        found = corrupt_with_sliders(IMAGE, {slider.name: strength}, 0).astype(float)
        assert np.abs(found - expected).max() <= 1, strength


@pytest.mark.parametrize(("name", "strength"), [("gaussian", 0.3), ("impulse", 0.2)])
def test_drawn_noise_has_its_strength(name, strength):
    """Grain and specks agree with their corruptions in mean and standard deviation."""
    grey = np.full((28, 28), 128, np.uint8)
    found = np.stack([corrupt_with_sliders(grey, {name: strength}, seed) for seed in range(300)])
    (theirs,) = noise.build_noise(
        f"{name}({'sigma' if name == 'gaussian' else 'amount'}={strength})"
    )
    clean = torch.tensor(np.repeat(grey[None], 300, 0)).float() / 255
    expected = (
        255 * theirs.apply(clean, theirs.sample(300, torch.Generator().manual_seed(0))).numpy()
    )
    assert found.mean() == pytest.approx(expected.mean(), abs=1)
    assert found.std() == pytest.approx(expected.std(), rel=0.01)


def test_neutral_sliders_change_nothing_and_seeds_repeat():
    """Neutral sliders change nothing, and random noise depends on seed and slider alone."""
    assert corrupt_with_sliders(IMAGE, {}, 0) is not IMAGE
    np.testing.assert_array_equal(
        corrupt_with_sliders(IMAGE, {s.name: s.neutral for s in SLIDERS}, 0), IMAGE
    )
    assert slider_chain({}) == "none"
    one, same, other = (corrupt_with_sliders(IMAGE, {"gaussian": 0.2}, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_every_chain_is_read_by_the_noise_it_names():
    """The page's noise chain can be parsed by `inkfast.noise`."""
    written = slider_chain({slider.name: slider.high for slider in SLIDERS})
    assert [part.name for part in noise.build_noise(written)] == [slider.name for slider in SLIDERS]


def test_occlusion_maps_show_the_decisive_part():
    """The occlusion map of a network that sees only one corner is nonzero only there."""
    copies = occluded_images(np.full((28, 28), 255, np.uint8))
    sure = copies[:, :6, :6].mean(axis=(1, 2)) / 255
    probabilities = np.stack([sure, 1 - sure, *np.zeros((8, len(sure)))], axis=1)
    found = occlusion_map(probabilities)
    assert found.shape == (28, 28)
    assert found[0, 0] == 1
    assert found[12:].max() == found[:, 12:].max() == 0


def test_the_curves_are_of_the_shipped_networks():
    """The page's curves were measured on the shipped files; else run benchmarks/lab_curves.py."""
    measured = json.loads(Path(PAGE, "curves.json").read_text(encoding="utf-8"))
    for name, digest in measured["networks"].items():
        assert digest == sha256((SHIPPED_FOLDER / f"{name}.onnx").read_bytes()), name
    for slider in SLIDERS:
        strengths = measured["curves"][slider.name]["strengths"]
        assert (strengths[0], strengths[-1]) == (slider.low, slider.high)
        assert slider.neutral in strengths
