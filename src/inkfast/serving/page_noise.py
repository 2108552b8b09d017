"""The corruptions of the Noise Lab's sliders, in NumPy, since the page works without torch.

Each is the corruption of the same name in `inkfast.noise`; tests compare the two to within one grey
value of 255.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, cos, radians, sin

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import SIDE, Images

Grey = NDArray[np.float64]  # (28, 28) in [0, 1]
_CENTRE = (SIDE - 1) / 2


@dataclass(frozen=True, kw_only=True)
class Slider:
    """One corruption and the range of its strength.

    Attributes:
        name: Name of the corruption.
        parameter: Name of the parameter that is the strength.
        title: Label on the page.
        unit: Unit, shown after the number.
        low: Smallest strength.
        high: Largest strength.
        step: Difference between two neighbouring strengths.
        neutral: Strength at which nothing changes.
        pair: Whether the parameter is a range, so that one strength is written ``[s, s]``.
    """

    name: str
    parameter: str
    title: str
    unit: str
    low: float
    high: float
    step: float
    neutral: float = 0.0
    pair: bool = False

    def spec(self, strength: float) -> str:
        """Return the corruption as `inkfast.noise` parses it."""
        value = f"{strength:g}"
        return f"{self.name}({self.parameter}={f'[{value}, {value}]' if self.pair else value})"


# in the order in which they are applied
SLIDERS = (
    Slider(name="rotate", parameter="degrees", title="Turn", unit="°", low=-90, high=90, step=1,
           pair=True),
    Slider(name="translate", parameter="pixels", title="Shift", unit=" px", low=-8, high=8,
           step=0.5, pair=True),
    Slider(name="zoom", parameter="factor", title="Size", unit=" x", low=0.4, high=1.6, step=0.05,
           neutral=1.0),
    Slider(name="blur", parameter="sigma", title="Blur", unit=" px", low=0, high=3, step=0.1),
    Slider(name="gaussian", parameter="sigma", title="Grain", unit="", low=0, high=1, step=0.02),
    Slider(name="impulse", parameter="amount", title="Specks", unit="", low=0, high=0.5, step=0.01),
    Slider(name="brightness", parameter="delta", title="Light", unit="", low=-0.8, high=0.8,
           step=0.02, pair=True),
)  # fmt: skip


def slider_chain(strengths: Mapping[str, float]) -> str:
    """Return the noise chain of the sliders; ``none`` if all are neutral."""
    moved = [s for s in SLIDERS if strengths.get(s.name, s.neutral) != s.neutral]
    return " + ".join(slider.spec(strengths[slider.name]) for slider in moved) or "none"


def corrupt_with_sliders(image: Images, strengths: Mapping[str, float], seed: int) -> Images:
    """Return an image under the sliders' noise.

    Args:
        image: Image, uint8 ``(28, 28)``.
        strengths: Strengths by name of the slider; a missing one is neutral.
        seed: Seed of grain and specks, so that they stay the same while a slider moves.
    """
    found = image.astype(np.float64) / 255
    for index, slider in enumerate(SLIDERS):
        strength = strengths.get(slider.name, slider.neutral)
        if strength != slider.neutral:
            generator = np.random.default_rng([seed, index])
            found = _APPLY[slider.name](found, strength, generator)
    return np.asarray(np.rint(255 * found), np.uint8)


def _rotate(image: Grey, degrees: float, _: np.random.Generator) -> Grey:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return _resample(image, np.array([[c, s], [-s, c]]))


def _translate(image: Grey, pixels: float, _: np.random.Generator) -> Grey:
    return _resample(image, np.eye(2), pixels)


def _scale(image: Grey, factor: float, _: np.random.Generator) -> Grey:
    return _resample(image, np.eye(2) / factor)


def _resample(image: Grey, inverse: Grey, shift: float = 0.0) -> Grey:
    """Sample the image at the inverse map about its centre; bilinear, zero outside."""
    from scipy import ndimage

    offset = _CENTRE - inverse @ [_CENTRE + shift, _CENTRE + shift]
    found: Grey = ndimage.affine_transform(image, inverse, offset, order=1, mode="grid-constant")
    return found


def _blur(image: Grey, sigma: float, _: np.random.Generator) -> Grey:
    from scipy import ndimage

    found: Grey = ndimage.gaussian_filter(image, sigma, radius=ceil(4 * sigma), mode="reflect")
    return found.clip(0, 1)


def _gaussian(image: Grey, sigma: float, generator: np.random.Generator) -> Grey:
    return (image + sigma * generator.standard_normal(image.shape)).clip(0, 1)


def _impulse(image: Grey, amount: float, generator: np.random.Generator) -> Grey:
    drawn = generator.random(image.shape)
    return np.where(drawn < amount / 2, 0.0, np.where(drawn < amount, 1.0, image))


def _brightness(image: Grey, delta: float, _: np.random.Generator) -> Grey:
    return (image + delta).clip(0, 1)


_APPLY = {
    "rotate": _rotate, "translate": _translate, "zoom": _scale, "blur": _blur,
    "gaussian": _gaussian, "impulse": _impulse, "brightness": _brightness,
}  # fmt: skip
