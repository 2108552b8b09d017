"""The network that finds numbers on a page: a small pyramid of features, fully convolutional."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.inference.finder_maps import MAPS
from inkfast.models.blocks import Residual, conv_norm_relu

_QUARTER, _EIGHTH, _COARSE = 32, 48, 56  # channels by size


class NumberFinderNetwork(nn.Module):
    """Maps that tell where numbers lie, at a quarter of the image's sides.

    The image is reduced to a quarter at once and then halved three times; features of each size are
    added to those of the next finer one. Takes float32 ``(n, 1, h, w)`` as
    `inkfast.inference.finder_maps.normalize_page` returns it, with sides that are multiples of 32,
    and returns ``(n, 4, h / 4, w / 4)``. Sources: Lin and others (2017), Feature Pyramid Networks
    for Object Detection; Liao and others (2020), Real-time Scene Text Detection with Differentiable
    Binarization, for shrunk cores, which keep neighbouring lines apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.quarter = nn.Sequential(
            conv_norm_relu(1, _QUARTER, 7, 4), conv_norm_relu(_QUARTER, _QUARTER)
        )
        self.eighth = _halved(_QUARTER, _EIGHTH)
        self.sixteenth = _halved(_EIGHTH, _COARSE)
        self.last = _halved(_COARSE, _COARSE)
        self.to_sixteenth = _Upwards(_COARSE, _COARSE, _EIGHTH)
        self.to_eighth = _Upwards(_EIGHTH, _EIGHTH, _QUARTER)
        self.to_quarter = _Upwards(_QUARTER, _QUARTER, _QUARTER)
        self.maps = nn.Sequential(
            conv_norm_relu(_QUARTER, _QUARTER), nn.Conv2d(_QUARTER, len(MAPS), 1)
        )

    def forward(self, pages: Tensor) -> Tensor:
        """Return the maps: logits of `core` and `other`, then `height` and `angle`."""
        quarter = self.quarter(pages)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        found = self.to_sixteenth(self.last(sixteenth), sixteenth)
        found = self.to_quarter(self.to_eighth(found, eighth), quarter)
        maps: Tensor = self.maps(found)
        return maps


def _halved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv_norm_relu(inputs, outputs, 3, 2), Residual(outputs, outputs, 1))


class _Upwards(nn.Module):
    """Adds coarse features, doubled in size, to fine ones."""

    def __init__(self, coarse: int, fine: int, outputs: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(coarse, outputs, 1)
        self.fine = nn.Conv2d(fine, outputs, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Return features of the fine ones' size."""
        doubled = F.interpolate(self.coarse(coarse), scale_factor=2.0, mode="bilinear")
        return F.relu(doubled + self.fine(fine))
