"""`affine`: rotation, shift, shear, zoom and elastic bends in one resampling."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import check_choice, check_number
from inkfast.noise.base import NOISES, Noise, Params, span
from inkfast.noise.elastic import Elastic, smooth_fields
from inkfast.noise.resample import affine, check_fill


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class Affine(Noise):
    """Apply rotation, translation, shear and zoom about the centre in one resampling.

    Source: keras.src.legacy.preprocessing.image, `ImageDataGenerator.get_random_transform` and
    `apply_affine_transform` (Keras 3). The map takes output to input in (row, column) order, so a
    zoom above 1 shrinks the digit, and both zooms are drawn independently.

    Attributes:
        degrees: Rotation range in degrees; uniform in [-v, v].
        shift: Shift range as a fraction of the size, drawn for each axis; uniform in [-v, v].
        shear: Shear range in degrees; uniform in [-v, v].
        zoom: Zoom range; each axis uniform between 1-v and 1+v.
        bend: Root mean square displacement in pixels by a smooth random field, as `elastic` draws
            it at its default smoothness; not in Keras. A second corruption would resample, and
            soften, the digit twice.
        fill: Pixels outside the image: constant (black), nearest or reflect.
        interpolation: bilinear, or bicubic, which softens strokes less.
    """

    name: ClassVar[str] = "affine"
    strength: ClassVar[str] = "degrees"
    strengths: ClassVar[tuple[float, ...]] = (10, 20, 35, 50, 72)
    degrees: float = 15.0
    shift: float = 0.0
    shear: float = 0.0
    zoom: float = 0.0
    bend: float = 0.0
    fill: str = "nearest"
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        highest = {"degrees": 360, "shift": 1, "shear": 80, "zoom": 0.9, "bend": 28}
        for field, high in highest.items():
            check_number(field, getattr(self, field), low=0, high=high)
        check_fill(self.fill)
        check_choice("interpolation", self.interpolation, ("bilinear", "bicubic"))

    def sample(self, n: int, generator: Generator) -> Params:
        ranges = {
            "theta": span(radians(self.degrees), signed=True),
            "down": span(self.shift, signed=True),
            "right": span(self.shift, signed=True),
            "shear": span(radians(self.shear), signed=True),
            "zoom_down": (1 - self.zoom, 1 + self.zoom),
            "zoom_right": (1 - self.zoom, 1 + self.zoom),
        }
        # one call instead of one `uniform` per range; on a CPU the numbers are the same
        device = generator.device
        share = torch.rand(len(ranges), n, generator=generator, device=device)
        limits = [(low, high - low) for low, high in ranges.values()]
        low, width = torch.tensor(limits, device=device).T[..., None]
        drawn = dict(zip(ranges, share * width + low, strict=True))
        if self.bend:
            drawn["offsets"] = self.bend * smooth_fields(n, Elastic.smoothness, generator)
        return drawn

    def apply(self, images: Tensor, params: Params) -> Tensor:
        height, width = images.shape[1:]
        cos, sin = params["theta"].cos(), params["theta"].sin()
        tr, tc = params["down"] * height, params["right"] * width
        slant, squash = -params["shear"].sin(), params["shear"].cos()
        zr, zc = params["zoom_down"], params["zoom_right"]
        # (row, column) entries of R.T.S.Z, written out
        rr, rc = cos * zr, (cos * slant - sin * squash) * zc
        cr, cc = sin * zr, (sin * slant + cos * squash) * zc
        row, column = cos * tr - sin * tc, sin * tr + cos * tc
        inverse = torch.stack([cc, cr, column, rc, rr, row], dim=1).view(-1, 2, 3)
        offsets = params.get("offsets")
        return affine(images, inverse, self.fill, offsets, self.interpolation)
