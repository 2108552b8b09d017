"""`cnn`: convolutions, pooling and dense layers, listed in one line of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from inkfast.core.errors import InkfastError, check_choice, check_flag, check_number, short_repr
from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import LocalContrast

_CONV = re.compile(r"C([0-9]+)(?:\(([0-9]+)\))?(?:/([0-9]+))?")
_DENSE = re.compile("[0-9]+")
_MAX_LAYERS = 100
_POOLS = {"MP": nn.MaxPool2d, "AP": nn.AvgPool2d}
_GLOBAL = {"GMP": nn.AdaptiveMaxPool2d, "GAP": nn.AdaptiveAvgPool2d}
_VOCABULARY = (
    "C32 (convolution 3x3), C32(5) (5x5), C32/2 (stride 2), BN, LCN (local contrast), MP, AP, GMP, "
    "GAP, D.3 (dropout), 128 (dense)"
)


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Cnn(Network):
    """A plain convolutional network.

    Attributes:
        layers: Layers joined by ``-``. ``C32`` is a 3x3 convolution with 32 channels and ReLU,
            ``C32(5)`` one of 5x5, ``C32/2`` one of stride 2; ``BN`` batch normalisation;
            ``LCN`` local contrast normalisation, see `LocalContrast`; ``MP`` and ``AP`` 2x2 max
            and average pooling; ``GMP`` and ``GAP`` pooling over the whole image; ``D.3`` dropout
            of 30 %; ``128`` a dense layer with ReLU. A dense layer of ten outputs is appended.
        batch_norm: Whether there is batch normalisation before the ReLU of each convolution.
        padding: ``same`` or ``valid`` (none).
        bn_eps: Number added to the variance in batch normalisation; the default of Keras is 1e-3.
        bn_momentum: Weight of the newest batch in running statistics; 0.99 in Keras is 0.01 here.
    """

    name: ClassVar[str] = "cnn"
    source: ClassVar[str] = (
        "LeCun, Bottou, Bengio and Haffner (1998), "
        "Gradient-Based Learning Applied to Document Recognition"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 8, "batch_size": 125, "learning_rate": 0.01}
    layers: str = "C24(5)/2-C48-C64/2-C96-C96-GMP"
    batch_norm: bool = True
    padding: str = "same"
    bn_eps: float = 1e-5
    bn_momentum: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("padding", self.padding, ("same", "valid"))
        check_number("bn_eps", self.bn_eps, above=0, high=1)
        check_number("bn_momentum", self.bn_momentum, above=0, high=1)
        if not isinstance(self.layers, str):
            raise InkfastError(
                f"`layers` must be text like 'C32-MP-128', got {short_repr(self.layers)}."
            )
        check_flag("batch_norm", self.batch_norm)
        with torch.device("meta"):
            self.build()  # raises if the layers cannot be built

    def build(self) -> nn.Module:
        network: list[nn.Module] = []
        shape = _Shape(channels=1, side=28)
        texts = self.layers.replace(" ", "").split("-")
        if len(texts) > _MAX_LAYERS:
            raise InkfastError(f"`layers` must have at most {_MAX_LAYERS}, got {len(texts)}.")
        for text in texts:
            if _DENSE.fullmatch(text) and shape.side:
                network.append(nn.Flatten())
                shape = _Shape(channels=shape.features, side=0)
            layer, shape = self._layer(text, shape)
            network += layer
        if shape.side:
            network.append(nn.Flatten())
        return nn.Sequential(*network, nn.Linear(shape.features, 10))

    def _layer(self, text: str, shape: _Shape) -> tuple[list[nn.Module], _Shape]:
        """Return the modules of one layer and the shape of their output."""
        if _DENSE.fullmatch(text):
            check_number(f"layers: {text}", int(text), low=1, high=20_000, whole=True)
            return [nn.Linear(shape.channels, int(text)), nn.ReLU()], _Shape(int(text), 0)
        if re.fullmatch(r"D0?\.[0-9]{1,9}", text):
            return [nn.Dropout(float(text[1:]))], shape
        if text == "BN" or (text == "LCN" and shape.side):
            return [self._norm(shape) if text == "BN" else LocalContrast()], shape
        if shape.side and text in _POOLS:
            return [_POOLS[text](2)], self._fitting(text, shape.channels, shape.side // 2)
        if shape.side and text in _GLOBAL:
            return [_GLOBAL[text](1)], _Shape(shape.channels, 1)
        if shape.side and (match := _CONV.fullmatch(text)):
            channels, kernel, stride = match.groups()
            return self._convolution(text, shape, int(channels), int(kernel or 3), int(stride or 1))
        where = "" if shape.side else " after a dense layer"
        raise InkfastError(f"`layers` has {short_repr(text)}{where}; expected {_VOCABULARY}.")

    def _convolution(
        self, text: str, shape: _Shape, channels: int, kernel: int, stride: int
    ) -> tuple[list[nn.Module], _Shape]:
        check_number(f"layers: channels of {text}", channels, low=1, high=4096, whole=True)
        check_number(f"layers: kernel of {text}", kernel, low=1, high=28, whole=True)
        check_number(f"layers: stride of {text}", stride, low=1, high=28, whole=True)
        if self.padding == "same" and kernel % 2 == 0:
            raise InkfastError(f"`layers` has {text!r}; padding='same' needs an odd kernel.")
        margin = kernel // 2 if self.padding == "same" else 0
        side = (shape.side + 2 * margin - kernel) // stride + 1
        convolution = nn.Conv2d(
            shape.channels, channels, kernel, stride, margin, bias=not self.batch_norm
        )
        norm = [self._norm(_Shape(channels, side))] if self.batch_norm else []
        return [convolution, *norm, nn.ReLU()], self._fitting(text, channels, side)

    def _norm(self, shape: _Shape) -> nn.Module:
        family = nn.BatchNorm2d if shape.side else nn.BatchNorm1d
        return family(shape.channels, eps=self.bn_eps, momentum=self.bn_momentum)

    def _fitting(self, text: str, channels: int, side: int) -> _Shape:
        if side < 1:
            raise InkfastError(
                f"`layers` leaves no pixel after {text!r}: use fewer or smaller "
                "layers, or padding='same'."
            )
        return _Shape(channels, side)


@dataclass(frozen=True)
class _Shape:
    """Shape between layers: ``(channels, side, side)``, or ``(channels,)`` for side 0."""

    channels: int
    side: int

    @property
    def features(self) -> int:
        return self.channels * max(self.side, 1) ** 2
