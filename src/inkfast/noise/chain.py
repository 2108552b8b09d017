"""Chains of corruptions, and `build_noise`, which builds one from text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_number, short_repr, unknown_name
from inkfast.core.registry import brief_spec, parse_spec, split_top_level
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.presets import MNIST_C, PRESETS, SeverityLevels


@dataclass(frozen=True)
class Chain:
    """Corruptions applied one after the other; an empty chain returns images unchanged.

    Attributes:
        noises: Corruptions, applied from left to right.
        name: Name of the preset that the chain was built from, or the chain's spec.
    """

    noises: tuple[Noise, ...]
    name: str

    def sample(self, n: int, generator: Generator) -> list[Params]:
        """Draw the parameters of each corruption for `n` images."""
        return [noise.sample(n, generator) for noise in self.noises]

    def apply(self, images: Tensor, params: list[Params]) -> Tensor:
        """Return the corrupted images, ``(n, 28, 28)`` in [0, 1]."""
        for noise, drawn in zip(self.noises, params, strict=True):
            images = noise.apply(images, drawn)
        return images

    def __call__(self, images: Tensor, generator: Generator) -> Tensor:
        """Draw parameters and apply them."""
        return self.apply(images, self.sample(len(images), generator))

    def __bool__(self) -> bool:
        return bool(self.noises)

    def __iter__(self) -> Iterator[Noise]:
        return iter(self.noises)

    def __str__(self) -> str:
        return " + ".join(map(str, self.noises)) or "none"

    def packages(self) -> set[str]:
        """Return the plug-in packages that the chain needs."""
        parts = (part for noise in self.noises for part in noise.parts())
        return {package for part in parts if (package := NOISES.package_of(part))}

    def brief(self) -> str:
        """Return the preset's name, or the spec without parameters at their defaults."""
        if self.name != str(self):
            return self.name
        return " + ".join(brief_spec(noise, noise.strength) for noise in self.noises) or "none"

    def in_words(self) -> str:
        """Return a description of digits under this noise: ``clean`` or ``<name> noise``."""
        return f"{self.brief()} noise" if self else "clean"


def build_noise(spec: str) -> Chain:
    """Build a chain of corruptions from text.

    Args:
        spec: Corruptions and names of presets joined by ``+``, or ``none``: for example
            ``"rotate(degrees=72) + mnist-c-fog(severity=2)"``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    if not isinstance(spec, str):
        raise InkfastError(
            f"noise must be text such as 'rotate(degrees=30)', got {short_repr(spec)}."
        )
    links = split_top_level(spec, "+")
    noises = [noise for link in links if not _is_none(link, spec) for noise in _build_link(link)]
    chain = Chain(tuple(noises), spec.strip())
    named = len(links) == 1 and noises and parse_spec(links[0])[0] in {**PRESETS, **MNIST_C}
    return chain if named else replace(chain, name=str(chain))


def _is_none(link: str, spec: str) -> bool:
    return link == "none" or not (link or spec.strip())


def _build_link(link: str) -> tuple[Noise, ...]:
    """Return the corruptions that a name with its parameters stands for."""
    name, parameters = parse_spec(link)
    if name in PRESETS:
        if parameters:
            raise InkfastError(f"preset {name!r} takes no parameters: write its chain out instead.")
        return build_noise(PRESETS[name]).noises
    if name in MNIST_C:
        return build_noise(_at_severity(name, MNIST_C[name], parameters)).noises
    if name not in NOISES:
        known = [cls.name for cls in NOISES]
        raise unknown_name("noise", name, [*known, *PRESETS, *MNIST_C, "none"])
    return (NOISES.build(link),)


def _at_severity(name: str, levels: SeverityLevels, parameters: Mapping[str, object]) -> str:
    """Return the chain at the given severity, or at the published one."""
    for key in parameters:
        if key != "severity":
            raise unknown_name(f"parameter of noise {name!r}", key, ["severity"])
    given = parameters.get("severity", levels.published)
    severity = check_number("severity", given, low=1, high=len(levels.chains), whole=True)
    return levels.chains[int(severity) - 1]
