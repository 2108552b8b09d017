"""`fit`: trains one model; the epoch of a network is chosen on its validation rows."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from math import ceil, isfinite
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor, nn

from inkfast.core.errors import DivergedError, StoppedError
from inkfast.core.random import derive_seed, make_generator
from inkfast.models import Baseline, Network, create
from inkfast.synthetic.non_digits import NO_DIGIT
from inkfast.training import checkpoint, hardware
from inkfast.training.baseline import fit_baseline
from inkfast.training.batches import TrainingSet, training_rows
from inkfast.training.fit_spec import Callback, FitSpec
from inkfast.training.loss import batch_loss
from inkfast.training.optimisation import WeightAverage, learning_rate, make_optimisers
from inkfast.training.trained_model import Epoch, TrainedModel
from inkfast.training.validation import evaluate_model, validation_digits

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


class TrainingLoop:
    """The training of one network: weights, optimisers, history and what else changes."""

    def __init__(self, fit_spec: FitSpec, folder: Path | None, callback: Callback) -> None:
        self.fit_spec, self.folder, self.callback = fit_spec, folder, callback
        self.device = hardware.choose_device()
        self.precision = hardware.choose_precision(fit_spec.recipe.precision, self.device)
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
        validation = validation_digits(fit_spec)
        self.validation = (
            torch.tensor(validation.images, device=self.device),
            torch.tensor(validation.known_labels, device=self.device),
        )
        assert isinstance(fit_spec.architecture, Network)  # noqa: S101 - `fit` checks it
        model = create(fit_spec.architecture, make_generator(fit_spec.seed, "weights"))
        # torch's types leave out `to` with a memory format
        self.model: nn.Module = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weights = (
            self.data.class_weights() if fit_spec.recipe.class_weights == "balanced" else None
        )
        self.optimisers = make_optimisers(self.model, fit_spec.recipe)
        self.average = (
            WeightAverage(self.model, fit_spec.recipe.ema) if fit_spec.recipe.ema else None
        )
        self.best: dict[str, Tensor] = {}
        self.history: list[Epoch] = []
        self.seconds = 0.0
        self.since = 0.0  # when seconds were last added
        self.threads = fit_spec.threads
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
        if not self._resume():
            self.threads = self.threads or self._choose_threads()
            self._save()  # fixes the thread count before the first epoch can be interrupted

    def batches(self) -> Iterator[Batch]:
        """Yield every batch to train on; the caller takes its step before requesting the next one.

        Learning rates, validation, checkpoints and stopping happen here, so that a caller can take
        the steps of several fits at once, see `inkfast.training.stacked`.
        """
        while len(self.history) < self.fit_spec.recipe.epochs and not self._is_over():
            self.since = time.perf_counter()
            done = len(self.history) + 1
            loss, accuracy = yield from self._train_epoch(done)
            candidate = self._candidate(done)
            validated = evaluate_model(candidate, *self.validation, self.precision)
            self._check_finite(loss, done)
            self._check_finite(validated[0], done)
            self._count_seconds()
            rate = self.optimisers[0].param_groups[0]["lr"]
            self.history.append(Epoch(done, loss, accuracy, *validated, rate, self.seconds))
            if self.best_epoch == done:
                self.best = _copy_state(candidate)
            self._save()
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
        if self.fit_spec.recipe.keep == "last":
            return len(self.history)
        return max(self.history, key=lambda e: e.merit(self.fit_spec.recipe.monitor)).number

    def _is_over(self) -> bool:
        patience, monitor = self.fit_spec.recipe.patience, self.fit_spec.recipe.monitor
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
            progress = (number - 1 + step / steps) / self.fit_spec.recipe.epochs
            rate = learning_rate(self.fit_spec.recipe, progress, losses)
            for group in (g for o in self.optimisers for g in o.param_groups):
                group["lr"] = rate
            self._count_seconds()
            yield images, labels
            self.since = time.perf_counter()
            loss, right = self.measured
            known = (labels != NO_DIGIT).sum()
            total += torch.stack([loss.double() * len(labels), right.double(), known.double()])
            seen += len(labels)
            if step % 20 == 19 or step == steps - 1:
                self._check_finite(float(loss), number)
                self.callback.on_progress(
                    (len(self.history) + (step + 1) / steps) / self.fit_spec.recipe.epochs
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
        images = images.contiguous(memory_format=torch.channels_last)
        return batch_loss(model, images, labels, self.weights, self.fit_spec.recipe, self.precision)

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
        """Return the network to validate: the trained one, or the one with averaged weights."""
        if self.average is None:
            return self.model
        model: nn.Module = copy.deepcopy(self.model)
        count = ceil(
            10_000 / self.fit_spec.recipe.batch_size
        )  # images to estimate mean and variance
        batches = [images for images, _ in islice(self.data.epoch(number), count)]
        with hardware.autocast(self.device, self.precision):
            self.average.load_into(model, batches)
        return model

    def _check_finite(self, loss: float, number: int) -> None:
        if isfinite(loss):
            return
        kept = "The checkpoint of the epoch before is kept." if self.folder and self.history else ""
        finer = "" if self.precision == "fp32" else ", or try precision='fp32'"
        raise DivergedError(
            f"training {self.fit_spec.architecture}: the loss became {loss} in epoch {number}, "
            f"with learning_rate={self.fit_spec.recipe.learning_rate:g}. Lower learning_rate"
            f"{finer}. {kept}".strip()
        )

    def _choose_threads(self) -> int:
        """Time steps of this network and batch size on a copy."""
        if self.device.type != "cpu":
            return 1
        model = copy.deepcopy(self.model)

        def step() -> None:
            images, labels = next(self.data.epoch(0))
            loss, _ = self._loss(model, images, labels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without types

        with self.dropout_state():
            return hardware.choose_threads(step)

    def _save(self) -> None:
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
        checkpoint.save_checkpoint(self.folder, len(self.history), tensors, state)

    def _resume(self) -> bool:
        """Load the newest valid checkpoint, if there is one."""
        if self.folder is None:
            return False
        tensors, state, damaged = checkpoint.load_newest_checkpoint(self.folder, self.optimisers)
        for sentence in damaged:
            self.callback.on_message(sentence)
        if not state:
            return False
        # bits depend on both, so a resumed fit keeps its first values
        self.threads, self.precision = state["threads"], state["precision"]
        self.history = Epoch.read_all(state["history"])
        self.seconds = self.history[-1].seconds if self.history else 0.0
        self.model.load_state_dict(checkpoint.tensors_under(tensors, "model"))
        self.best = checkpoint.tensors_under(tensors, "best")
        checkpoint.unpack_optimisers(self.optimisers, tensors, state["groups"])
        if self.average is not None:
            saved = checkpoint.tensors_under(tensors, "average")
            for index, weight in enumerate(self.average.weights):
                weight.copy_(saved[str(index)])
        self.callback.on_message(f"resumed after epoch {len(self.history)}")
        return True

    def finish(self) -> TrainedModel:
        """Return the network with the weights of the best epoch."""
        self.model.load_state_dict(self.best)
        return TrainedModel(
            model=self.model.cpu().eval(),
            architecture=self.fit_spec.architecture,
            recipe=self.fit_spec.recipe,
            seed=self.fit_spec.seed,
            history=self.history,
            best_epoch=self.best_epoch,
            train_seconds=self.seconds,
            threads=self.threads,
            precision=self.precision,
            class_counts=self.class_counts,
            machine=hardware.describe_machine(),
        )


def _copy_state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
