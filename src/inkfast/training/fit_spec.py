"""`FitSpec`: everything that decides the outcome of one fit; `Callback`: its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from inkfast.core.digits import Digits
from inkfast.models import Architecture
from inkfast.noise import Chain
from inkfast.training.recipe import Recipe
from inkfast.training.trained_model import Epoch

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


@dataclass(frozen=True, kw_only=True)
class Callback:
    """Functions that are called while a model is trained; each does nothing unless given.

    Attributes:
        on_progress: Called with the share of the fit that is done, in [0, 1].
        on_epoch_end: Called with each finished epoch.
        on_message: Called with anything else worth saying, one sentence at a time.
        should_stop: Called after each epoch; training stops when it returns true.
    """

    on_progress: Callable[[float], None] = field(default=lambda share: None)
    on_epoch_end: Callable[[Epoch], None] = field(default=lambda epoch: None)
    on_message: Callable[[str], None] = field(default=lambda sentence: None)
    should_stop: Callable[[Epoch], bool] = field(default=lambda epoch: False)
