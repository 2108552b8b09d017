"""`number-reader`: a convolutional network that reads a strip of any width, without recurrence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.inference.number_strips import STRIP_HEIGHT
from inkfast.inference.numbers import ALPHABET
from inkfast.models.base import MODELS, NumberArchitecture
from inkfast.models.blocks import Residual, check_sizes, conv_norm_relu

_HALVINGS = 3  # of the height before it is reduced to one row
_STAGES = 4


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class NumberReaderNetwork(NumberArchitecture):
    """A fully convolutional network that reads numbers, trained with CTC.

    Three convolutions halve the height of a strip, two of them also its width; the second and the
    third are followed by residual blocks. A convolution over the whole height leaves one row, in
    which blocks of separable convolutions look at neighbouring characters. Source of the loss and
    of the blank: Graves, Fernandez, Gomez and Schmidhuber (2006), Connectionist Temporal
    Classification.

    Attributes:
        widths: Channels after each halving of the height, and those of the row: four numbers.
        blocks: Residual blocks after the second and after the third halving.
        context: Blocks of separable convolutions along the row.
        reach: Frames that each of these blocks looks at, an odd number.
    """

    name: ClassVar[str] = "number-reader"
    source: ClassVar[str] = (
        "Graves, Fernandez, Gomez and Schmidhuber (2006), Connectionist Temporal Classification"
    )
    recipe: ClassVar[Mapping[str, Any]] = {"optimiser": "muon", "weight_decay": 0.02}
    widths: tuple[int, ...] = (32, 64, 128, 192)
    blocks: int = 2
    context: int = 2
    reach: int = 9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("widths", self.widths, longest=_STAGES)
        if len(self.widths) != _STAGES:
            raise InkfastError(
                f"`widths` must be a list of {_STAGES} sizes, got {short_repr(self.widths)}."
            )
        check_number("blocks", self.blocks, low=0, high=20, whole=True)
        check_number("context", self.context, low=0, high=20, whole=True)
        check_number("reach", self.reach, low=1, high=99, whole=True)
        if self.reach % 2 == 0:
            raise InkfastError(f"`reach` must be an odd number, got {self.reach}.")

    def build(self) -> nn.Module:
        first, second, third, row = self.widths
        return nn.Sequential(
            conv_norm_relu(1, first, 5, 2),
            conv_norm_relu(first, second, 3, 2),
            *(Residual(second, second, 1) for _ in range(self.blocks)),
            conv_norm_relu(second, third, 3, (2, 1)),
            *(Residual(third, third, 1) for _ in range(self.blocks)),
            nn.Conv2d(third, row, (STRIP_HEIGHT // 2**_HALVINGS, 1), bias=False),
            nn.BatchNorm2d(row),
            nn.ReLU(),
            *(SeparableBlock(row, self.reach) for _ in range(self.context)),
            nn.Conv2d(row, len(ALPHABET) + 1, 1),
            FramesFirst(),
        )


class SeparableBlock(nn.Module):
    """A convolution of each channel along the row and two pointwise ones, with a skip connection.

    Source: Sandler, Howard, Zhu, Zhmoginov and Chen (2018), MobileNetV2; here the depthwise
    convolution comes first.
    """

    def __init__(self, channels: int, reach: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(
                channels, channels, (1, reach), padding=(0, reach // 2), groups=channels, bias=False
            ),
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.ReLU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Return the sum of the rows ``(n, c, 1, frames)`` and the block's output."""
        output: Tensor = rows + self.body(rows)
        return output


class FramesFirst(nn.Module):
    """Turns ``(n, c, 1, frames)`` into ``(n, frames, c)``."""

    def forward(self, rows: Tensor) -> Tensor:
        """Return one vector per frame."""
        return rows.squeeze(2).transpose(1, 2)
