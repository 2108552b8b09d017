"""`FitSpec`: everything that decides the outcome of one fit; `Callback`: its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from inkfast import execution
from inkfast.core.digits import Digits
from inkfast.models import Architecture
from inkfast.noise import Chain
from inkfast.training.recipe import Recipe
from inkfast.training.trained_model import Epoch

# Called with the progress of a fit; its metrics are those of an `Epoch`.
Callback: TypeAlias = execution.Callback[Epoch]

TRAIN_NOISE = ("fresh", "once", "none")


@dataclass(frozen=True, kw_only=True)
class FitSpec:
    """Everything that decides the outcome of one fit, besides the machine.

    Attributes:
        architecture: What to train.
        recipe: How.
        digits: Training rows, clean; validation is cut from them.
        noise: The noise that the model is meant for.
        train_noise: fresh (drawn anew for every batch), once (one noisy copy) or none. Validation
            rows get one noisy copy, or none.
        seed: Decides weights, order, noise and validation rows.
        threads: torch threads; 0 times a step and chooses.
        validation: Rows to choose the epoch by, clean; None cuts them from `digits`.
    """

    architecture: Architecture
    recipe: Recipe
    digits: Digits
    noise: Chain
    train_noise: str = "fresh"
    seed: int = 0
    threads: int = 0
    validation: Digits | None = None

    @property
    def training_noise(self) -> Chain:
        """The noise that training and validation rows are under."""
        return self.noise if self.train_noise != "none" else Chain((), "none")
