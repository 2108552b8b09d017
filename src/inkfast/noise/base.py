"""The base class of corruptions: `sample` draws random parameters, `apply` uses them.

Images are float32 ``(n, 28, 28)`` in [0, 1] with bright ink, on any device. A corruption is one
short file: a frozen dataclass whose fields are its parameters in stated units. A parameter of type
`Span` varies from image to image; its docstring says how.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.core.registry import Registry, format_spec
from inkfast.noise.presets import MNIST_C, PRESETS

Params = dict[str, Tensor]  # name -> (n, ...): one entry per image, so rows can be sliced
# A number or a pair. The pair (low, high) means uniform between the two. The number v means uniform
# between -v and v for a signed quantity such as an angle, and exactly v for any other quantity.
Span = float | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Noise(ABC):
    """One corruption with its parameters."""

    name: ClassVar[str]
    strength: ClassVar[str]  # the field that says how strong it is
    strengths: ClassVar[tuple[float, ...]]  # five strengths to show, from weak to strong
    neutral: ClassVar[float] = 0.0  # the strength at which nothing changes
    neutral_tolerance: ClassVar[float] = 2e-6  # largest change of a pixel at that strength

    @abstractmethod
    def sample(self, n: int, generator: Generator) -> Params:
        """Draw the parameters for `n` images on the generator's device."""

    @abstractmethod
    def apply(self, images: Tensor, params: Params) -> Tensor:
        """Return the corrupted images, ``(n, 28, 28)`` in [0, 1]; the input stays as it was."""

    def at(self, strength: float) -> Self:
        """Return this corruption at exactly one strength, the random sign of signed ones kept."""
        return replace(self, **{self.strength: strength})

    def parts(self) -> tuple[Noise, ...]:
        """Return the corruptions that this one may apply: itself, unless it is made of others."""
        return (self,)

    def __str__(self) -> str:
        return format_spec(self)


NOISES: Registry[Noise] = Registry(
    "noise", Noise, "inkfast.noises", reserved=[*PRESETS, *MNIST_C, "clean", "none"]
)


def span(value: Span, *, signed: bool) -> tuple[float, float]:
    """Return the low and high end that a number or a pair stands for."""
    if isinstance(value, tuple):
        return value
    return (-value, value) if signed else (value, value)


def check_span(name: str, value: Any, *, low: float = -1e6, high: float = 1e6) -> None:
    """Raise unless `value` is a number or an ascending pair of numbers within the limits."""
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2:
        raise InkfastError(
            f"`{name}` must be a number or a pair [low, high], got {short_repr(list(pair))}."
        )
    for number in pair:
        check_number(name, number, low=low, high=high)
    if pair[0] > pair[-1]:
        raise InkfastError(
            f"`{name}` must be a pair [low, high] with low <= high, got {list(pair)!r}."
        )


def uniform(
    n: int, limits: tuple[float, float], generator: Generator, *, extremes: bool = False
) -> Tensor:
    """Draw `n` numbers between the limits, or only the limits, on the generator's device."""
    low, high = limits
    share = torch.rand(n, generator=generator, device=generator.device)
    return (share.round() if extremes else share) * (high - low) + low


def per_image(values: Tensor) -> Tensor:
    """Shape ``(n,)`` so that it meets ``(n, 28, 28)``."""
    return values.view(-1, 1, 1)
