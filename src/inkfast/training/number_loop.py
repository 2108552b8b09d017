"""`fit_numbers`: trains a network that reads numbers with CTC on shards of composed strips."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from inkfast import execution
from inkfast.core.errors import StoppedError
from inkfast.models import NumberArchitecture
from inkfast.training import hardware
from inkfast.training.checkpointed_fit import CheckpointedFit
from inkfast.training.number_batches import StripBatch, epoch_batches
from inkfast.training.number_model import NumberEpoch, TrainedNumberNetwork
from inkfast.training.number_recipe import NumberRecipe
from inkfast.training.number_shards import LabelledStrips
from inkfast.training.number_validation import ctc_loss, score_network
from inkfast.training.optimisation import one_cycle

# Called with the progress of a fit; its metrics are those of a `NumberEpoch`.
NumberCallback: TypeAlias = execution.Callback[NumberEpoch]

_MEASURED_STRIPS = 5000  # strips on which the statistics of averaged weights are measured


@dataclass(frozen=True, kw_only=True)
class NumberFitSpec:
    """Everything that decides the result of one fit, besides the machine.

    Attributes:
        architecture: Network to train.
        recipe: How to train it.
        shards: Folder of the training shards.
        validation: Strips to choose the epoch on.
        seed: Seed of weights, order and noise.
        threads: Number of torch threads; 0 chooses by timing a step.
        start: Trained network of the same architecture whose weights are the first ones; None for
            random weights.
    """

    architecture: NumberArchitecture
    recipe: NumberRecipe
    shards: Path
    validation: LabelledStrips
    seed: int = 0
    threads: int = 0
    start: TrainedNumberNetwork | None = None


def fit_numbers(
    spec: NumberFitSpec, folder: Path | None = None, callback: NumberCallback | None = None
) -> TrainedNumberNetwork:
    """Train one network.

    Args:
        spec: Network, recipe, strips and seed.
        folder: Folder for a checkpoint of every epoch. Training resumes from a valid checkpoint
            found there, on a CPU to the same bits as without the interruption. None writes none.
        callback: Called with progress.

    Raises:
        DivergedError: If the loss becomes NaN or infinite; the last checkpoint stays.
        StoppedError: If `callback.should_stop` returns true.
    """
    hardware.keep_freed_memory()
    count = spec.threads or torch.get_num_threads()
    with hardware.torch_threads(count), hardware.library_threads(count):
        return NumberTrainingLoop(spec, folder, callback or NumberCallback()).run()


class NumberTrainingLoop(CheckpointedFit[NumberEpoch]):
    """The training of one network that reads numbers."""

    epochs = NumberEpoch
    recipe: NumberRecipe

    def __init__(self, spec: NumberFitSpec, folder: Path | None, callback: NumberCallback) -> None:
        super().__init__(spec.architecture, spec.recipe, spec.seed, folder, callback, spec.threads)
        self.spec = spec
        self.steps = 0
        if spec.start is not None:
            self.start_from(spec.start.model)

    def run(self) -> TrainedNumberNetwork:
        """Train the remaining epochs and return the network."""
        state = self.resume()
        self.steps = state.get("steps", 0)
        if not state:
            self.threads = self.threads or self._time_threads()
            self.save()  # fixes the thread count before the first epoch can be interrupted
        with hardware.torch_threads(self.threads):
            while len(self.history) < self.recipe.epochs:
                self._run_epoch(len(self.history) + 1)
        return self._finish()

    @property
    def best_epoch(self) -> int:
        """The epoch that is kept: the one with the least loss on validation strips.

        The loss tells epochs apart better than the share of strips that are exactly right, and
        confidences depend on it.
        """
        return min(self.history, key=lambda epoch: epoch.validation_loss).number

    def _run_epoch(self, number: int) -> None:
        since = time.perf_counter()
        loss = self._train_epoch(number)
        candidate = self._candidate(number)
        scores = score_network(candidate, self.spec.validation, self.device, self.precision)
        self.check_finite(scores.loss, number)
        self.seconds += time.perf_counter() - since
        self.history.append(
            NumberEpoch(
                number=number,
                loss=loss,
                validation_loss=scores.loss,
                validation_accuracy=scores.accuracy,
                character_error=scores.character_error,
                learning_rate=self.optimisers[0].param_groups[0]["lr"],
                seconds=self.seconds,
            )
        )
        if self.best_epoch == number:
            self.keep_best(candidate)
        self.save()
        self.callback.on_epoch_end(self.history[-1])
        if self.callback.should_stop(self.history[-1]):
            raise StoppedError(f"stopped after epoch {number}")

    def _train_epoch(self, number: int) -> float:
        """Take the steps of an epoch; return its mean loss."""
        self.model.train()
        count, batches = self._batches(number)
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        seen = 0
        for step, batch in enumerate(batches):
            progress = (number - 1 + step / count) / self.recipe.epochs
            loss = self._step(batch, progress)
            total += loss.double() * len(batch)
            seen += len(batch)
            if step % 20 == 19 or step == count - 1:
                self.check_finite(float(loss), number)
                self.callback.on_progress((number - 1 + (step + 1) / count) / self.recipe.epochs)
        return float(total) / seen

    def _step(self, batch: StripBatch, progress: float) -> Tensor:
        """Take one training step; return its loss."""
        self.set_learning_rate(one_cycle(self.recipe.learning_rate, self.recipe.warmup, progress))
        loss = self._loss(self.model, batch)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        self.model.zero_grad(set_to_none=True)
        self.steps += 1
        if self.average is not None:
            # a long memory would keep the drawn weights for thousands of steps
            self.average.decay = min(self.recipe.ema, self.steps / (self.steps + 20))
            self.average.update(self.model)
        return loss.detach()

    def _loss(self, model: nn.Module, batch: StripBatch) -> Tensor:
        batch = batch.to(self.device)
        with hardware.autocast(self.device, self.precision):
            logits = model(batch.strips)
        return ctc_loss(logits, batch)

    def _batches(self, number: int) -> tuple[int, Iterator[StripBatch]]:
        return epoch_batches(self.spec.shards, self.recipe, self.spec.seed, number)

    def _candidate(self, number: int) -> nn.Module:
        """Return the network to validate after an epoch."""
        count = ceil(_MEASURED_STRIPS / self.recipe.batch_size) if self.average else 0
        batches = islice(self._batches(number)[1], count)
        return self.averaged([batch.to(self.device).strips for batch in batches])

    def _time_threads(self) -> int:
        batch = next(self._batches(1)[1])
        return self.choose_threads(lambda model: self._loss(model, batch))

    @property
    def counts(self) -> dict[str, int]:
        """The number of steps, by which the average of the weights is weighted."""
        return {"steps": self.steps}

    def _finish(self) -> TrainedNumberNetwork:
        """Return the network with the weights of the best epoch."""
        self.model.load_state_dict(self.best)
        start = self.spec.start
        return TrainedNumberNetwork(
            model=self.model.cpu().eval(),
            architecture=self.spec.architecture,
            recipe=self.recipe,
            seed=self.spec.seed,
            history=self.history,
            best_epoch=self.best_epoch,
            train_seconds=self.seconds,
            threads=self.threads,
            precision=self.precision,
            machine=hardware.describe_machine(),
            earlier=[*start.earlier, dataclasses.asdict(start.recipe)] if start else [],
        )
