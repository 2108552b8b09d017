"""Defaults, severities and limits of the noises: a spec in a saved run keeps its meaning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inkfast.core.errors import InkfastError
from inkfast.core.random import make_generator
from inkfast.noise import NOISES, build_noise

# spec with every default; parameter that measures the strength; the five strengths that are shown
DEFAULTS = [
    ("affine(degrees=15.0, shift=0.0, shear=0.0, zoom=0.0, bend=0.0, fill='nearest', interpolation='bilinear')", 'degrees', (10, 20, 35, 50, 72)),
    ("blur(sigma=1.0, fill='reflect')", 'sigma', (0.5, 1.0, 1.5, 2.0, 3.0)),
    ('brightness(delta=0.2)', 'delta', (0.1, 0.2, 0.3, 0.4, 0.5)),
    ('canny(amount=1.0, sigma=1.0, low=0.1, high=0.2)', 'amount', (0.2, 0.4, 0.6, 0.8, 1.0)),
    ('contrast(factor=0.5, pivot=0.5)', 'factor', (0.8, 0.6, 0.4, 0.2, 0.1)),
    ('dotted-line(opacity=1.0)', 'opacity', (0.2, 0.4, 0.6, 0.8, 1.0)),
    ("elastic(pixels=1.0, smoothness=4.0, fill='constant')", 'pixels', (0.5, 1.0, 1.5, 2.0, 3.0)),
    ('erase(area=0.1, aspect=2.0, grey=0.0, random=False)', 'area', (0.02, 0.05, 0.1, 0.2, 0.3)),
    ('fog(amount=3.0, decay=1.4, size=256)', 'amount', (0.5, 1, 1.5, 2, 3)),
    ('gain(factor=0.5)', 'factor', (0.8, 0.6, 0.4, 0.25, 0.1)),
    ('gaussian(sigma=0.2)', 'sigma', (0.1, 0.2, 0.3, 0.45, 0.6)),
    ("glass-blur(sigma=0.7, delta=1, iterations=2, blur='both')", 'sigma', (0.7, 0.9, 1.1, 1.5, 2.0)),
    ('impulse(amount=0.1)', 'amount', (0.03, 0.06, 0.09, 0.17, 0.27)),
    ("motion-blur(length=5.0, angle=45.0, fill='nearest')", 'length', (3, 5, 7, 10, 14)),
    ("one-of(chains=['stripe(width=7)', 'canny(amount=1.0, sigma=1.0, low=0.1, high=0.2)'], share=1.0)", 'share', (0.2, 0.4, 0.6, 0.8, 1.0)),
    ("rotate(degrees=30.0, extremes=False, fill='constant')", 'degrees', (10, 20, 35, 50, 72)),
    ("shear(slope=0.4, extremes=False, stretch=1.0, fill='constant')", 'slope', (0.2, 0.4, 0.6, 0.8, 1.0)),
    ('shot(photons=5.0)', 'photons', (60, 25, 12, 5, 3)),
    ('spatter(level=0.65, spread=0.3, sigma=1.0, threshold=0.65, edge=1.5)', 'level', (0.6, 0.65, 0.7, 0.75, 0.8)),
    ('streak(sigma=3.0, radius=10.0, angle=45.0)', 'sigma', (1, 3, 5, 8, 12)),
    ('stripe(width=7)', 'width', (1, 3, 5, 7, 9)),
    ("translate(pixels=3.0, whole=False, extremes=False, fill='constant')", 'pixels', (1, 2, 3, 4, 5.6)),
    ('zigzag(opacity=1.0)', 'opacity', (0.2, 0.4, 0.6, 0.8, 1.0)),
    ("zoom(factor=0.8, fill='constant')", 'factor', (0.9, 0.8, 0.7, 0.6, 0.5)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "strength", "strengths"), DEFAULTS, ids=lambda value: str(value)[:12]
)
def test_defaults_and_strengths_stay(spec, strength, strengths):
    """A default that changes would change the meaning of every spec that leaves it out."""
    name = spec.partition("(")[0]
    (cls,) = [cls for cls in NOISES if cls.name == name]
    assert (str(cls()), cls.strength, cls.strengths) == (spec, strength, strengths)


def test_every_noise_has_its_defaults_here():
    """A new noise adds a line to the table."""
    assert {cls.name for cls in NOISES} == {spec.partition("(")[0] for spec, *_ in DEFAULTS}


@pytest.mark.parametrize(("allowed", "refused"), [
    ("motion-blur(angle=360)", "motion-blur(angle=361)"),
    ("motion-blur(angle=-360)", "motion-blur(angle=-361)"),
    ("motion-blur(length=27)", "motion-blur(length=28)"),
    ("spatter(level=0, spread=0, sigma=0, threshold=0, edge=0)", "spatter(level=-1)"),
    ("spatter(level=10, spread=10, sigma=6, threshold=10, edge=6)", "spatter(edge=7)"),
    ("erase(area=1, aspect=1, grey=1)", "erase(aspect=0)"),
    ("erase(area=0, aspect=20, grey=0)", "erase(aspect=21)"),
])  # fmt: skip
def test_limits_are_allowed_and_nothing_beyond(allowed, refused):
    """Each limit itself is a value that can be built."""
    build_noise(allowed)
    with pytest.raises(InkfastError):
        build_noise(refused)


def test_an_erased_rectangle_lies_anywhere():
    """Its start is uniform: all four edges are reached, and the mean position is the middle."""
    white = torch.ones(600, 28, 28)
    erased = build_noise("erase(area=0.1)")(white, make_generator(0)).numpy() == 0
    for axis in (1, 2):
        along = erased.any(axis=axis)
        assert along[:, 0].any()
        assert along[:, -1].any()
        centre = (along * np.arange(28)).sum(axis=1) / along.sum(axis=1)
        assert centre.mean() == pytest.approx(13.5, abs=0.6)


# the severity that MNIST-C publishes for each corruption, and all severities
MNIST_C_SPECS = {
    'mnist-c-shot-noise': 'shot(photons=3)',
    'mnist-c-impulse-noise': 'impulse(amount=0.17)',
    'mnist-c-glass-blur': "glass-blur(sigma=0.7, delta=1, iterations=2, blur='vertical')",
    'mnist-c-motion-blur': 'streak(sigma=3, radius=10, angle=45.0)',
    'mnist-c-shear': "shear(slope=0.3894183423086505, extremes=True, stretch=1.0857044283832387, fill='constant')",
    'mnist-c-scale': "zoom(factor=0.7, fill='constant')",
    'mnist-c-rotate': "rotate(degrees=22.918311805232932, extremes=True, fill='constant')",
    'mnist-c-brightness': 'brightness(delta=[0.5, 0.5])',
    'mnist-c-translate': "translate(pixels=3, whole=False, extremes=True, fill='constant')",
    'mnist-c-stripe': 'stripe(width=7)',
    'mnist-c-fog': 'fog(amount=3, decay=1.4, size=256)',
    'mnist-c-spatter': 'spatter(level=0.65, spread=0.3, sigma=1, threshold=0.65, edge=1.5)',
    'mnist-c-dotted-line': 'dotted-line(opacity=1.0)',
    'mnist-c-zigzag': 'zigzag(opacity=1.0)',
    'mnist-c-canny-edges': 'canny(amount=1.0, sigma=1.0, low=0.1, high=0.2)',
}  # fmt: skip

SEVERITIES = {
    'mnist-c-spatter': ['spatter(level=0.65, spread=0.3, sigma=4, threshold=0.69, edge=0.6)', 'spatter(level=0.65, spread=0.3, sigma=3, threshold=0.68, edge=0.6)', 'spatter(level=0.65, spread=0.3, sigma=2, threshold=0.68, edge=0.5)', 'spatter(level=0.65, spread=0.3, sigma=1, threshold=0.65, edge=1.5)', 'spatter(level=0.67, spread=0.4, sigma=1, threshold=0.65, edge=1.5)'],
    'mnist-c-fog': ['fog(amount=1.5, decay=2, size=256)', 'fog(amount=2, decay=2, size=256)', 'fog(amount=2.5, decay=1.7, size=256)', 'fog(amount=2.5, decay=1.5, size=256)', 'fog(amount=3, decay=1.4, size=256)'],
}  # fmt: skip


@pytest.mark.parametrize("name", MNIST_C_SPECS)
def test_corruptions_of_mnist_c_keep_their_parameters(name):
    """A preset without a severity is the one that MNIST-C was published with."""
    assert str(build_noise(name)) == MNIST_C_SPECS[name]


@pytest.mark.parametrize("name", SEVERITIES)
def test_severities_of_several_parameters_stay(name):
    """Five steps, from mild to severe."""
    assert [str(build_noise(f"{name}(severity={step})")) for step in range(1, 6)] == SEVERITIES[
        name
    ]
