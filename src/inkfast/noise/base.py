"""What a corruption is: `sample` draws its parameters, `apply` uses them; nothing else is random.

Images are float32 ``(n, 28, 28)`` in [0, 1] with bright ink, on any device. A corruption is one
short file: a frozen dataclass whose fields are its parameters in stated units.

Parameters that may vary from image to image take a number or a pair. For a signed quantity such
as an angle the number `v` means uniform between -v and v; for all others it means exactly `v`. A
pair `[low, high]` means uniform between the two, so `[v, v]` is exactly `v` for both kinds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_number, short_repr, unknown_name
from inkfast.core.registry import Registry, brief_spec, format_spec, parse_spec, split_top_level
from inkfast.noise.presets import SeverityLevels

Params = dict[str, Tensor]  # name -> (n, ...): one entry per image, so rows can be sliced
Span = float | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Noise(ABC):
    """One corruption with its parameters."""

    name: ClassVar[str]
    strength: ClassVar[str]  # the field that says how strong it is
    strengths: ClassVar[tuple[float, ...]]  # five strengths to show, from weak to strong
    neutral: ClassVar[float] = 0.0  # the strength at which nothing changes

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


NOISES: Registry[Noise] = Registry("noise")


@dataclass(frozen=True)
class Chain:
    """Corruptions one after the other; an empty chain leaves images as they are.

    Attributes:
        noises: Applied from left to right.
        name: What a person calls it: a preset's name, or the chain written out.
    """

    noises: tuple[Noise, ...]
    name: str

    def sample(self, n: int, generator: Generator) -> list[Params]:
        """Draw the parameters of every corruption for `n` images."""
        return [noise.sample(n, generator) for noise in self.noises]

    def apply(self, images: Tensor, params: list[Params]) -> Tensor:
        """Return the images after every corruption in turn."""
        for noise, drawn in zip(self.noises, params, strict=True):
            images = noise.apply(images, drawn)
        return images

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """Draw and apply in one step, for noise that is fresh each time."""
        return self.apply(images, self.sample(len(images), generator))

    def __bool__(self) -> bool:
        return bool(self.noises)

    def __iter__(self) -> Iterator[Noise]:
        return iter(self.noises)

    def __str__(self) -> str:
        return " + ".join(map(str, self.noises)) or "none"

    def brief(self) -> str:
        """Return its name, without what is left as it is where that is written out."""
        if self.name != str(self):
            return self.name
        return " + ".join(brief_spec(noise, noise.strength) for noise in self.noises) or "none"

    def in_words(self) -> str:
        """Return what digits under it are: ``clean``, or under which noise."""
        return f"{self.brief()} noise" if self else "clean"


def parse_chain(
    text: str, presets: Mapping[str, str], severities: Mapping[str, SeverityLevels]
) -> Chain:
    """Read ``rotate(degrees=72) + gaussian(sigma=0.2)``, with preset names among the links.

    Args:
        text: Of the chain.
        presets: The chain that each name stands for.
        severities: Published corruptions with five severities: ``mnist-c-fog(severity=2)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    if not isinstance(text, str):
        raise InkfastError(
            f"noise must be text such as 'rotate(degrees=30)', got {short_repr(text)}."
        )
    noises: list[Noise] = []
    links = split_top_level(text, "+")
    for link in links:
        if link in ("", "none") and (link or not text.strip()):
            continue
        name, parameters = parse_spec(link)
        known = [cls.name for cls in NOISES]
        if name in presets and not parameters:
            noises += parse_chain(presets[name], {}, {}).noises
        elif name in severities:
            noises += parse_chain(_at_severity(name, severities[name], parameters), {}, {}).noises
        elif name in known:
            noises.append(NOISES.build(link))
        elif name in presets:
            raise InkfastError(f"preset {name!r} takes no parameters: write its chain out instead.")
        else:
            raise unknown_name("noise", name, [*known, *presets, *severities, "none"])
    chain = Chain(tuple(noises), text.strip())
    named = {**presets, **severities}
    has_name = len(links) == 1 and bool(noises) and parse_spec(links[0])[0] in named
    return chain if has_name else replace(chain, name=str(chain))


def _at_severity(name: str, levels: SeverityLevels, parameters: Mapping[str, object]) -> str:
    """Return the chain at the requested severity, or at the published one."""
    for key in parameters:
        if key != "severity":
            raise unknown_name(f"parameter of noise {name!r}", key, ["severity"])
    severity = parameters.get("severity", levels.published)
    check_number("severity", severity, low=1, high=len(levels.chains), whole=True)
    assert isinstance(severity, int)  # noqa: S101 - checked just now
    return levels.chains[severity - 1]


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
