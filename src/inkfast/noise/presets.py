"""Names for published noise: chains, corruptions with five severities, and suites of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, degrees, sin


@dataclass(frozen=True)
class SeverityLevels:
    """Five chains of rising severity, one of which a benchmark uses.

    Attributes:
        chains: Chains as text, from the weakest to the strongest.
        published: Severity that the benchmark uses, 1 to 5.
        ours: Whether inkfast chose the other four severities, because only one was published.
    """

    chains: tuple[str, ...]
    published: int
    ours: bool = False


def _levels(
    text: str, values: tuple[object, ...], published: int, *, ours: bool = False
) -> SeverityLevels:
    """Fill the values of one parameter, or of several, into a chain's text."""
    chains = tuple(text.format(*(v if isinstance(v, tuple) else (v,))) for v in values)
    return SeverityLevels(chains, published, ours)


_RADIANS = (0.2, 0.4, 0.6, 0.8, 1.0)
_DEGREES = tuple(degrees(angle) for angle in _RADIANS)
# the scikit-image of the time sheared by an angle and made digits taller by the way
_SLOPES = tuple((sin(angle), 1 / cos(angle)) for angle in _RADIANS)
_SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
_GLASS = "glass-blur(sigma={}, delta={}, iterations={}, blur='vertical')"
_SPATTER = "spatter(level={}, spread={}, sigma={}, threshold={}, edge={})"

# Mu and Gilmer (2019), MNIST-C: A Robustness Benchmark for Computer Vision, and its generator.
MNIST_C: Mapping[str, SeverityLevels] = {
    "mnist-c-shot-noise": _levels("shot(photons={})", (60, 25, 12, 5, 3), 5),
    "mnist-c-impulse-noise": _levels("impulse(amount={})", (0.03, 0.06, 0.09, 0.17, 0.27), 4),
    "mnist-c-glass-blur": _levels(
        _GLASS, ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)), 1
    ),
    "mnist-c-motion-blur": _levels(
        "streak(radius={}, sigma={})", ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)), 1
    ),
    "mnist-c-shear": _levels("shear(slope={}, stretch={}, extremes=True)", _SLOPES, 2),
    "mnist-c-scale": _levels("zoom(factor={})", (0.9, 0.8, 0.7, 0.6, 0.5), 3),
    "mnist-c-rotate": _levels("rotate(degrees={}, extremes=True)", _DEGREES, 2),
    "mnist-c-brightness": _levels("brightness(delta=[{0}, {0}])", (0.1, 0.2, 0.3, 0.4, 0.5), 5),
    "mnist-c-translate": _levels("translate(pixels={}, extremes=True)", (1, 2, 3, 4, 5), 3),
    "mnist-c-stripe": _levels("stripe(width={})", (1, 3, 5, 7, 9), 4, ours=True),
    "mnist-c-fog": _levels(
        "fog(amount={}, decay={})", ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)), 5
    ),
    "mnist-c-spatter": _levels(
        _SPATTER,
        (
            (0.65, 0.3, 4, 0.69, 0.6), (0.65, 0.3, 3, 0.68, 0.6), (0.65, 0.3, 2, 0.68, 0.5),
            (0.65, 0.3, 1, 0.65, 1.5), (0.67, 0.4, 1, 0.65, 1.5),
        ),
        4,
    ),
    "mnist-c-dotted-line": _levels("dotted-line(opacity={})", _SHARES, 5, ours=True),
    "mnist-c-zigzag": _levels("zigzag(opacity={})", _SHARES, 5, ours=True),
    "mnist-c-canny-edges": _levels("canny(amount={})", _SHARES, 5, ours=True),
}  # fmt: skip

# noisy-mnist: the four Keras layers of the noisy-mnist repository, each with a resampling of its
# own: RandomRotation(0.2) is +-72 degrees, RandomTranslation(0.2, 0.2) is +-5.6 pixels,
# RandomZoom((0.2, 0.2)) always samples 1.2 times as far apart, RandomBrightness adds +-0.2.
#
# image-data-generator: Keras' ImageDataGenerator(rotation_range=15, width_shift_range=0.1,
# height_shift_range=0.1, zoom_range=0.1, brightness_range=(0.8, 1.2)); for other ranges write the
# chain out.
#
# n-mnist-*: Basu et al. (2017), Learning Sparse Feature Representations using Probabilistic
# Quadtrees and Deep Belief Nets.
PRESETS = {
    "noisy-mnist": (
        "rotate(degrees=72, fill='reflect') + translate(pixels=5.6, fill='reflect')"
        " + zoom(factor=0.8333333333333334, fill='reflect') + brightness(delta=0.2)"
    ),
    "image-data-generator": (
        "affine(degrees=15, shift=0.1, zoom=0.1, fill='nearest') + gain(factor=[0.8, 1.2])"
    ),
    "n-mnist-awgn": f"gaussian(sigma={10 ** (-9.5 / 20)})",
    "n-mnist-motion-blur": "motion-blur(length=5, angle=[15, 15], fill='nearest')",
    "n-mnist-contrast-awgn": (
        f"contrast(factor=0.5, pivot=0.0) + gaussian(sigma={10 ** (-12 / 20)})"
    ),
}

# Chains that are measured together. A name without a severity is at the published severity.
SUITES: Mapping[str, tuple[str, ...]] = {
    "mnist-c": tuple(MNIST_C),
    "mnist-c-severities": tuple(
        f"{name}(severity={severity})" for name in MNIST_C for severity in range(1, 6)
    ),
    "n-mnist": ("n-mnist-awgn", "n-mnist-motion-blur", "n-mnist-contrast-awgn"),
    "noisy-mnist": ("noisy-mnist",),
}

_AWGN = (
    "Read as MATLAB's awgn default (signal at 0 dBW): sigma = 10^(-SNR/20). That the authors used "
    "it is not verified"
)
# What a reader of a figure must know about a preset.
NOTES = {
    "n-mnist-awgn": f"{_AWGN}.",
    "n-mnist-contrast-awgn": f"{_AWGN}, nor that contrast was halved towards black.",
}
