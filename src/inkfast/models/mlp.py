"""`mlp`: dense layers on the flattened image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from inkfast.core.errors import InkfastError, check_flag, check_number
from inkfast.models.base import MODELS, Network
from inkfast.models.blocks import check_sizes


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Mlp(Network):
    """A multi-layer perceptron with ReLU.

    Attributes:
        hidden: Units of each hidden layer.
        dropout: Dropout rate after each hidden layer, one number for all or one per layer.
        batch_norm: Whether there is batch normalisation before each ReLU.
    """

    name: ClassVar[str] = "mlp"
    source: ClassVar[str] = (
        "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 12, "batch_size": 250, "learning_rate": 5e-3}
    hidden: tuple[int, ...] = (1024, 1024, 512)
    dropout: float | tuple[float, ...] = 0.0
    batch_norm: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("hidden", self.hidden, longest=100, high=20_000)
        check_flag("batch_norm", self.batch_norm)
        for share in self._dropouts():
            check_number("dropout", share, low=0, high=0.99)
        if len(self._dropouts()) != len(self.hidden):
            raise InkfastError(
                f"`dropout` must be a number or one for each of the {len(self.hidden)} hidden "
                f"layers, got {len(self._dropouts())}."
            )

    def _dropouts(self) -> tuple[float, ...]:
        given = self.dropout
        return given if isinstance(given, tuple) else (given,) * len(self.hidden)

    def build(self) -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = 28 * 28
        for units, share in zip(self.hidden, self._dropouts(), strict=True):
            layers.append(nn.Linear(inputs, units, bias=not self.batch_norm))
            layers += [nn.BatchNorm1d(units)] if self.batch_norm else []
            layers.append(nn.ReLU())
            layers += [nn.Dropout(share)] if share else []
            inputs = units
        return nn.Sequential(*layers, nn.Linear(inputs, 10))
