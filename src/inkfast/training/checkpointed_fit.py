"""`CheckpointedFit`: a network in training, with all of it that a checkpoint keeps.

The loops of networks that classify digits and of those that read numbers build on it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from torch import Tensor, nn

from inkfast import execution
from inkfast.core.errors import DivergedError
from inkfast.core.random import make_generator
from inkfast.models import Network, NumberArchitecture, create
from inkfast.training import checkpoint, hardware
from inkfast.training.number_recipe import NumberRecipe
from inkfast.training.optimisation import WeightAverage, make_optimisers
from inkfast.training.recipe import Recipe
from inkfast.training.trained_model import EpochRecord

EpochT = TypeVar("EpochT", bound=EpochRecord)


class CheckpointedFit(Generic[EpochT]):
    """A network in training: weights, optimisers, history and what else changes.

    Args:
        architecture: Network to train.
        recipe: How to train it.
        seed: Seed of its first weights.
        folder: Folder of the checkpoints, or None for none.
        callback: Called with progress.
        threads: Number of torch threads; 0 to choose it by timing a step.
    """

    epochs: ClassVar[type[EpochRecord]]  # type of the history's entries

    def __init__(
        self,
        architecture: Network | NumberArchitecture,
        recipe: Recipe | NumberRecipe,
        seed: int,
        folder: Path | None,
        callback: execution.Callback[EpochT],
        threads: int,
    ) -> None:
        self.architecture, self.recipe, self.folder = architecture, recipe, folder
        self.callback, self.threads = callback, threads
        self.device = hardware.choose_device()
        self.precision = hardware.choose_precision(recipe.precision, self.device)
        model = create(architecture, make_generator(seed, "weights"))
        # torch's types leave out `to` with a memory format
        self.model: nn.Module = model.to(self.device, memory_format=architecture.memory_format)  # type: ignore[call-overload]
        self.optimisers = make_optimisers(self.model, recipe)
        self.average = WeightAverage(self.model, recipe.ema) if recipe.ema else None
        self.best: dict[str, Tensor] = {}
        self.history: list[EpochT] = []
        self.seconds = 0.0

    def start_from(self, model: nn.Module) -> None:
        """Take over the weights of a network of the same architecture."""
        self.model.load_state_dict(model.state_dict())
        if self.average is not None:
            self.average = WeightAverage(self.model, self.average.decay)

    def set_learning_rate(self, rate: float) -> None:
        """Set the learning rate of all parameters."""
        for group in (g for optimiser in self.optimisers for g in optimiser.param_groups):
            group["lr"] = rate

    def averaged(self, inputs: Sequence[Tensor]) -> nn.Module:
        """Return the network to validate: the trained one, or one with averaged weights.

        Args:
            inputs: Batches on which the statistics of averaged weights are measured.
        """
        if self.average is None:
            return self.model
        model: nn.Module = copy.deepcopy(self.model)
        with hardware.autocast(self.device, self.precision):
            self.average.load_into(model, inputs)
        return model

    def keep_best(self, model: nn.Module) -> None:
        """Keep the weights of a network as those of the best epoch."""
        self.best = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def check_finite(self, loss: float, number: int) -> None:
        """Raise a `DivergedError` if the loss of an epoch is NaN or infinite."""
        if isfinite(loss):
            return
        kept = "The checkpoint of the epoch before is kept." if self.folder and self.history else ""
        finer = "" if self.precision == "fp32" else ", or try precision='fp32'"
        raise DivergedError(
            f"training {self.architecture}: the loss became {loss} in epoch {number}, "
            f"with learning_rate={self.recipe.learning_rate:g}. Lower learning_rate"
            f"{finer}. {kept}".strip()
        )

    def choose_threads(self, loss: Callable[[nn.Module], Tensor]) -> int:
        """Return the number of threads with which steps on a copy of the network are fastest.

        Args:
            loss: Function that returns the loss of a network on a batch.
        """
        if self.device.type != "cpu":
            return 1
        model = copy.deepcopy(self.model)
        # torch leaves `backward` without types
        return hardware.choose_threads(lambda: loss(model).backward())  # type: ignore[no-untyped-call]

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it."""
        if self.folder is None:
            return
        tensors, groups = checkpoint.pack_optimisers(self.optimisers)
        tensors |= {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        if self.average is not None:
            tensors |= {f"average.{i}": v for i, v in enumerate(self.average.weights)}
        state = {
            "groups": groups,
            "threads": self.threads,
            "precision": self.precision,
            "history": [vars(epoch) for epoch in self.history],
        }
        checkpoint.save_checkpoint(self.folder, len(self.history), tensors, state | self.counts)

    @property
    def counts(self) -> dict[str, Any]:
        """What a checkpoint keeps beside what all fits have."""
        return {}

    def resume(self) -> dict[str, Any]:
        """Load the newest valid checkpoint; return its state, empty if there is none."""
        if self.folder is None:
            return {}
        tensors, state, faults = checkpoint.load_newest_checkpoint(
            self.folder, self.optimisers, self.epochs
        )
        for sentence in faults:
            self.callback.on_message(sentence)
        if not state:
            return {}
        # bits depend on both, so a resumed fit keeps its first values
        self.threads, self.precision = state["threads"], state["precision"]
        self.history = self.epochs.read_all(state["history"])  # type: ignore[assignment]
        self.seconds = self.history[-1].seconds if self.history else 0.0
        self.model.load_state_dict(checkpoint.tensors_under(tensors, "model"))
        self.best = checkpoint.tensors_under(tensors, "best")
        checkpoint.unpack_optimisers(self.optimisers, tensors, state["groups"])
        if self.average is not None:
            saved = checkpoint.tensors_under(tensors, "average")
            for index, weight in enumerate(self.average.weights):
                weight.copy_(saved[str(index)])
        self.callback.on_message(f"resumed after epoch {len(self.history)}")
        return state
