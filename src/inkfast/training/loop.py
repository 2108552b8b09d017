"""`fit`: trains one model; the epoch of a network is chosen on its validation rows."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from math import ceil
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from inkfast.core.errors import StoppedError
from inkfast.core.random import derive_seed
from inkfast.models import Baseline, Network
from inkfast.synthetic.non_digits import NO_DIGIT
from inkfast.training import hardware
from inkfast.training.baseline import fit_baseline
from inkfast.training.batches import TrainingSet, training_rows
from inkfast.training.checkpointed_fit import CheckpointedFit
from inkfast.training.fit_spec import Callback, FitSpec
from inkfast.training.loss import batch_loss
from inkfast.training.optimisation import learning_rate
from inkfast.training.recipe import Recipe
from inkfast.training.trained_model import Epoch, TrainedModel
from inkfast.training.validation import evaluate_model, validation_digits

_MEASURED_IMAGES = 10_000  # images on which the statistics of averaged weights are measured
_START_BATCHES = 4  # on which those of folded layers are measured, see `StartingWeights`

Batch: TypeAlias = tuple[Tensor, Tensor]  # images float32 (b, 1, 28, 28), labels int64 (b,)


def fit(
    fit_spec: FitSpec, folder: Path | None = None, callback: Callback | None = None
) -> TrainedModel:
    """Train one model.

    Args:
        fit_spec: Model, recipe, digits, noise and seed.
        folder: Folder for a checkpoint of every epoch. Training resumes from a valid checkpoint
            found there, on a CPU to the same bits as without the interruption. None writes none;
            a baseline has none.
        callback: Called with progress.

    Raises:
        DivergedError: If the loss becomes NaN or infinite; the last checkpoint stays.
        StoppedError: If `callback.should_stop` returns true.
    """
    with fit_resources(fit_spec):
        if isinstance(fit_spec.architecture, Baseline):
            return fit_baseline(fit_spec, callback or Callback())
        return TrainingLoop(fit_spec, folder, callback or Callback()).run()


@contextmanager
def fit_resources(fit_spec: FitSpec) -> Iterator[None]:
    """Set memory allocation and the number of threads for a fit while the block runs."""
    hardware.keep_freed_memory()
    # bits may depend on the number of threads, before the first step as well
    count = fit_spec.threads or torch.get_num_threads()
    with hardware.torch_threads(count), hardware.library_threads(count):
        yield


class TrainingLoop(CheckpointedFit[Epoch]):
    """The training of one network that classifies digits."""

    epochs = Epoch
    recipe: Recipe

    def __init__(self, fit_spec: FitSpec, folder: Path | None, callback: Callback) -> None:
        network = fit_spec.architecture
        assert isinstance(network, Network)  # noqa: S101 - `fit` checks it
        super().__init__(
            network, fit_spec.recipe, fit_spec.seed, folder, callback, fit_spec.threads
        )
        self.fit_spec = fit_spec
        whole = fit_spec.validation is not None
        given, rows = training_rows(fit_spec.digits, fit_spec.recipe, fit_spec.seed, whole=whole)
        self.class_counts = {"given": given.class_counts(), "trained_on": rows.class_counts()}
        self.data = TrainingSet.of(
            rows,
            fit_spec.training_noise,
            fresh=fit_spec.train_noise == "fresh",
            recipe=fit_spec.recipe,
            seed=fit_spec.seed,
            device=self.device,
        )
        if fit_spec.start is not None:
            batches = [images for images, _ in islice(self.data.epoch(1), _START_BATCHES)]
            self.start_from(fit_spec.start.module(network, torch.cat(batches).cpu()))
        validation = validation_digits(fit_spec)
        self.validation = (
            torch.tensor(validation.images, device=self.device),
            torch.tensor(validation.known_labels, device=self.device),
        )
        self.weights = (
            self.data.class_weights() if fit_spec.recipe.class_weights == "balanced" else None
        )
        self.since = 0.0  # when seconds were last added
        self.random = self._random(0)
        self.measured: tuple[Tensor, Tensor]  # loss of the last batch and number correct

    def run(self) -> TrainedModel:
        """Train the remaining steps and return the model."""
        self.begin()
        with hardware.torch_threads(self.threads):
            for images, labels in self.batches():
                self.step(images, labels)
        return self.finish()

    def begin(self) -> None:
        """Resume from a checkpoint, or write the first one."""
        if not self.resume():
            self.threads = self.threads or self._time_threads()
            self.save()  # fixes the thread count before the first epoch can be interrupted

    def batches(self) -> Iterator[Batch]:
        """Yield every batch to train on; the caller takes its step before requesting the next one.

        Learning rates, validation, checkpoints and stopping happen here, so that a caller can take
        the steps of several fits at once, see `inkfast.training.stacked`.
        """
        while len(self.history) < self.recipe.epochs and not self._is_over():
            self.since = time.perf_counter()
            done = len(self.history) + 1
            loss, accuracy = yield from self._train_epoch(done)
            candidate = self._candidate(done)
            validated = evaluate_model(candidate, *self.validation, self.precision)
            self.check_finite(loss, done)
            self.check_finite(validated[0], done)
            self._count_seconds()
            self.history.append(
                Epoch(
                    number=done,
                    loss=loss,
                    accuracy=accuracy,
                    validation_loss=validated[0],
                    validation_accuracy=validated[1],
                    learning_rate=self.optimisers[0].param_groups[0]["lr"],
                    seconds=self.seconds,
                )
            )
            if self.best_epoch == done:
                self.keep_best(candidate)
            self.save()
            self.callback.on_epoch_end(self.history[-1])
            if self.callback.should_stop(self.history[-1]):
                raise StoppedError(f"stopped after epoch {done}")

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.seconds += now - self.since
        self.since = now

    @property
    def best_epoch(self) -> int:
        """The epoch that is kept: the best on validation, ties broken by the other metric."""
        if self.recipe.keep == "last":
            return len(self.history)
        return max(self.history, key=lambda e: e.merit(self.recipe.monitor)).number

    def _is_over(self) -> bool:
        patience, monitor = self.recipe.patience, self.recipe.monitor
        if not patience or not self.history:
            return False
        best = max(self.history, key=lambda e: e.merit(monitor)[0]).number  # the first of equals
        return len(self.history) - best >= patience

    def _train_epoch(self, number: int) -> Generator[Batch, None, tuple[float, float]]:
        """Yield the batches of an epoch; return their mean loss and accuracy."""
        self.model.train()
        losses = [epoch.validation_loss for epoch in self.history]
        # sums of loss, correct and labelled images, on the device: reading them would wait for it
        total = torch.zeros(3, device=self.device, dtype=torch.float64)
        seen, steps = 0, self.data.steps
        self.random = self._random(number)
        for step, (images, labels) in enumerate(self.data.epoch(number)):
            progress = (number - 1 + step / steps) / self.recipe.epochs
            self.set_learning_rate(learning_rate(self.recipe, progress, losses))
            self._count_seconds()
            yield images, labels
            self.since = time.perf_counter()
            loss, right = self.measured
            known = (labels != NO_DIGIT).sum()
            total += torch.stack([loss.double() * len(labels), right.double(), known.double()])
            seen += len(labels)
            if step % 20 == 19 or step == steps - 1:
                self.check_finite(float(loss), number)
                self.callback.on_progress(
                    (len(self.history) + (step + 1) / steps) / self.recipe.epochs
                )
        lost, answered, known = total.tolist()
        return lost / seen, answered / max(known, 1)

    def step(self, images: Tensor, labels: Tensor) -> None:
        """Take one training step."""
        self.since = time.perf_counter()
        with self.dropout_state():
            loss, right = self._loss(self.model, images, labels)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        self.measured = loss.detach(), right
        self.update()
        self._count_seconds()

    def update(self) -> None:
        """Update the weights from their gradients."""
        for optimiser in self.optimisers:
            optimiser.step()
        self.model.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.model)

    def _loss(self, model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        images = images.contiguous(memory_format=self.architecture.memory_format)
        return batch_loss(model, images, labels, self.weights, self.recipe, self.precision)

    def _random(self, epoch: int) -> Tensor:
        """Return the state of the generator that dropout draws from at the start of an epoch."""
        seed = derive_seed(self.fit_spec.seed, "dropout", epoch)
        return torch.Generator(self.device).manual_seed(seed).get_state()

    @contextmanager
    def dropout_state(self) -> Iterator[None]:
        """Make dropout, which draws from torch's global generator, draw from this fit's state."""
        source = torch.cuda if self.device.type == "cuda" else torch.random
        before = source.get_rng_state()
        source.set_rng_state(self.random)
        try:
            yield
        finally:
            self.random = source.get_rng_state()
            source.set_rng_state(before)

    def _candidate(self, number: int) -> nn.Module:
        """Return the network to validate after an epoch."""
        count = ceil(_MEASURED_IMAGES / self.recipe.batch_size) if self.average else 0
        return self.averaged([images for images, _ in islice(self.data.epoch(number), count)])

    def _time_threads(self) -> int:
        def loss(model: nn.Module) -> Tensor:
            return self._loss(model, *next(self.data.epoch(0)))[0]

        with self.dropout_state():
            return self.choose_threads(loss)

    def finish(self) -> TrainedModel:
        """Return the network with the weights of the best epoch."""
        self.model.load_state_dict(self.best)
        return TrainedModel(
            model=self.model.cpu().eval(),
            architecture=self.fit_spec.architecture,
            recipe=self.recipe,
            seed=self.fit_spec.seed,
            history=self.history,
            best_epoch=self.best_epoch,
            train_seconds=self.seconds,
            threads=self.threads,
            precision=self.precision,
            class_counts=self.class_counts,
            machine=hardware.describe_machine(),
            earlier=self.fit_spec.start.earlier if self.fit_spec.start else [],
        )
