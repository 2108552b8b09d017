"""The noises of the Noise Lab's sliders, in NumPy, since the page works without torch.

Each does to one image what the corruption of the same name in `inkfast.noise` does; tests compare
the two to within one grey value of 255.
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
    """One noise and how far its strength can be moved.

    Attributes:
        name: Of the corruption.
        parameter: That is moved.
        title: What the page calls it.
        unit: Shown behind the number.
        low: Left end.
        high: Right end.
        step: Between two strengths.
        neutral: The strength at which nothing changes.
        pair: Whether exactly this strength is written as a pair, as signed ones are.
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
        """Return the corruption as `inkfast.noise` reads it."""
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


def chain(strengths: Mapping[str, float]) -> str:
    """Return what the sliders do as `inkfast.noise` reads it; ``none`` for nothing."""
    moved = [s for s in SLIDERS if strengths.get(s.name, s.neutral) != s.neutral]
    return " + ".join(slider.spec(strengths[slider.name]) for slider in moved) or "none"


def corrupted(image: Images, strengths: Mapping[str, float], seed: int) -> Images:
    """Return an image under the sliders' noise.

    Args:
        image: uint8 ``(28, 28)``.
        strengths: By slider; one that is missing is neutral.
        seed: Of the grain and of the specks: the same ones as a slider moves.
    """
    found = image.astype(np.float64) / 255
    for place, slider in enumerate(SLIDERS):
        strength = strengths.get(slider.name, slider.neutral)
        if strength != slider.neutral:
            generator = np.random.default_rng([seed, place])
            found = _APPLY[slider.name](found, strength, generator)
    return np.asarray(np.rint(255 * found), np.uint8)


def _rotate(image: Grey, degrees: float, _: np.random.Generator) -> Grey:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return _resampled(image, np.array([[c, s], [-s, c]]))


def _translate(image: Grey, pixels: float, _: np.random.Generator) -> Grey:
    return _resampled(image, np.eye(2), pixels)


def _zoom(image: Grey, factor: float, _: np.random.Generator) -> Grey:
    return _resampled(image, np.eye(2) / factor)


def _resampled(image: Grey, inverse: Grey, shift: float = 0.0) -> Grey:
    """Read each pixel (row, column) where the inverse map about the centre gives it."""
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
    "rotate": _rotate, "translate": _translate, "zoom": _zoom, "blur": _blur,
    "gaussian": _gaussian, "impulse": _impulse, "brightness": _brightness,
}  # fmt: skip
