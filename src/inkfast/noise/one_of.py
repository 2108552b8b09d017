"""`one-of`: each image is corrupted by one of several chains, so a network learns them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Generator, Tensor

from inkfast.core.errors import InkfastError, check_number, short_repr
from inkfast.noise.base import NOISES, Noise, Params
from inkfast.noise.chain import Chain, build_noise


@NOISES.register
@dataclass(frozen=True, kw_only=True)
class OneOf(Noise):
    """Corrupt each image by one chain, all equally likely.

    Attributes:
        chains: Specs of chains, presets or ``none``; a spec listed twice is twice as likely.
        share: Share of the images that are corrupted, in [0, 1].
    """

    name: ClassVar[str] = "one-of"
    strength: ClassVar[str] = "share"
    strengths: ClassVar[tuple[float, ...]] = (0.2, 0.4, 0.6, 0.8, 1.0)
    chains: tuple[str, ...] = ("stripe", "canny")
    share: float = 1.0

    def __post_init__(self) -> None:
        texts = self.chains
        if not isinstance(texts, tuple) or not texts or not all(isinstance(t, str) for t in texts):
            raise InkfastError(
                f"`chains` must be a list of chains as text, got {short_repr(texts)}."
            )
        check_number("share", self.share, low=0, high=1)
        # written out, so that a saved spec keeps its meaning when a default changes
        object.__setattr__(self, "chains", tuple(str(chain) for chain in _build_chains(texts)))

    def parts(self) -> tuple[Noise, ...]:
        """Return the corruptions of all chains."""
        return tuple(
            part for chain in _build_chains(self.chains) for link in chain for part in link.parts()
        )

    def sample(self, n: int, generator: Generator) -> Params:
        device = generator.device
        chosen = torch.randint(0, len(self.chains), (n,), generator=generator, device=device)
        spared = torch.rand(n, generator=generator, device=device) >= self.share
        chosen = torch.where(spared, -1, chosen)
        params = {"chosen": chosen}
        for key, link, rows in self._links(chosen):
            for name, drawn in link.sample(len(rows), generator).items():
                whole = drawn.new_zeros(n, *drawn.shape[1:])
                whole[rows] = drawn
                params[f"{key} {name}"] = whole
        return params

    def apply(self, images: Tensor, params: Params) -> Tensor:
        out = images.clone()
        for key, link, rows in self._links(params["chosen"]):
            own = {
                name.removeprefix(f"{key} "): value[rows]
                for name, value in params.items()
                if name.startswith(f"{key} ")
            }
            out[rows] = link.apply(out[rows], own)
        return out

    def _links(self, chosen: Tensor) -> Iterator[tuple[str, Noise, Tensor]]:
        """Yield every link with its own key and the rows of the images it corrupts."""
        for number, chain in enumerate(_build_chains(self.chains)):
            rows = (chosen == number).nonzero()[:, 0]
            if len(rows):
                for position, link in enumerate(chain):
                    yield f"{number}.{position}", link, rows


@lru_cache
def _build_chains(texts: tuple[str, ...]) -> tuple[Chain, ...]:
    return tuple(build_noise(text) for text in texts)
