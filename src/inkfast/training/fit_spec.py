"""`FitSpec`: everything that decides the outcome of one fit; `Callback`: its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from inkfast import execution
from inkfast.core.digits import Digits
from inkfast.models import Architecture, check_reads_digits
from inkfast.noise import Chain
from inkfast.training.recipe import Recipe
from inkfast.training.starting_weights import StartingWeights
from inkfast.training.trained_model import Epoch

# Called with the progress of a fit; its metrics are those of an `Epoch`.
Callback: TypeAlias = execution.Callback[Epoch]

TRAIN_NOISE = ("fresh", "once", "none")


@dataclass(frozen=True, kw_only=True)
class FitSpec:
    """Everything that decides the result of one fit, besides the machine.

    Attributes:
        architecture: Model to train.
        recipe: How to train it.
        digits: Clean training rows; validation rows are cut from them.
        noise: Noise of the digits the model is meant for.
        train_noise: fresh (drawn again for every batch), once (one noisy copy) or none. Validation
            rows have one noisy copy, or none.
        seed: Seed of weights, order, noise and validation rows.
        threads: Number of torch threads; 0 chooses by timing a step.
        validation: Clean rows to choose the epoch on; None cuts them from `digits`.
        start: Weights of a network of the same architecture that are the first ones; None for
            random weights.
    """

    architecture: Architecture
    recipe: Recipe
    digits: Digits
    noise: Chain
    train_noise: str = "fresh"
    seed: int = 0
    threads: int = 0
    validation: Digits | None = None
    start: StartingWeights | None = None

    def __post_init__(self) -> None:
        check_reads_digits(self.architecture)

    @property
    def training_noise(self) -> Chain:
        """The noise of training and validation rows."""
        return self.noise if self.train_noise != "none" else Chain((), "none")
