"""Fits side by side: several networks of one form take their steps at once.

A small network leaves most of a GPU idle. Each fit keeps all that is its own (batches, rates,
optimisers, validation, checkpoints); only forward and backward pass of a step are done for all,
over weights that lie stacked (`torch.vmap`). A fit therefore ends as it would alone, but for
rounding.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from inkfast.core.errors import DivergedError, StoppedError
from inkfast.training import hardware
from inkfast.training.fit_spec import Callback, FitSpec
from inkfast.training.loop import Batch, TrainingLoop, fit_resources
from inkfast.training.loss import batch_loss
from inkfast.training.trained_model import TrainedModel


class StackableFit:
    """A network's fit that stands at its next batch, or is over.

    Attributes:
        form: Equal for fits whose steps can be taken at once.
        result: What became of the fit, None while it goes on.
    """

    def __init__(self, fit_spec: FitSpec, folder: Path, callback: Callback) -> None:
        with fit_resources(fit_spec):
            self.fit = TrainingLoop(fit_spec, folder, callback)
            self.fit.begin()
        recipe = fit_spec.recipe
        self.form = (
            fit_spec.architecture, recipe.batch_size, recipe.label_smoothing, recipe.class_weights,
            recipe.outliers > 0, recipe.l2, self.fit.precision, self.fit.threads,
        )  # fmt: skip
        self.result: TrainedModel | DivergedError | StoppedError | None = None
        self._batches = self.fit.batches()
        self.batch: Batch
        with hardware.torch_threads(self.fit.threads):
            self.go_on()

    @property
    def size(self) -> int:
        """Images of the batch it stands at."""
        return len(self.batch[1])

    def go_on(self) -> None:
        """Go to the next batch, after the step on this one."""
        try:
            self.batch = next(self._batches)
        except StopIteration:
            self.result = self.fit.finish()
        except (DivergedError, StoppedError) as error:
            self.result = error

    def step_alone(self) -> None:
        """Take one step as a fit that runs for itself."""
        self.fit.step(*self.batch)
        self.go_on()


def train_stacked(lanes: Sequence[StackableFit]) -> None:
    """Train fits of one form, none of them over, until at least one is."""
    fits = [lane.fit for lane in lanes]
    with hardware.torch_threads(fits[0].threads):
        stack = _Stack(fits) if len(fits) > 1 else None
        while all(lane.result is None for lane in lanes):
            widest = max(lane.size for lane in lanes)
            # the last batch of an epoch may be of any size: its fit takes that step alone
            behind = [lane for lane in lanes if lane.size < widest]
            for lane in lanes if stack is None else behind:
                lane.step_alone()
            if stack is not None and not behind:
                stack.step([lane.batch for lane in lanes])
                for lane in lanes:
                    lane.go_on()
        if stack is not None:
            stack.part()


class _Stack:
    """The networks of several fits, whose weights lie in one tensor for each name."""

    def __init__(self, fits: Sequence[TrainingLoop]) -> None:
        self.fits = fits
        self.form = _StackedModule(fits)
        first = fits[0].model
        self.weights = {
            name: _stack_tensors([fit.model.get_parameter(name) for fit in fits]).requires_grad_()
            for name, _ in first.named_parameters()
        }
        self.buffers = {
            name: _stack_tensors([fit.model.get_buffer(name) for fit in fits])
            for name, _ in first.named_buffers()
        }
        balanced = [fit.weights for fit in fits if fit.weights is not None]
        self.class_weights = torch.stack(balanced) if balanced else None

    def step(self, batches: Sequence[Batch]) -> None:
        """Take one step of every fit, on batches of one size."""
        start = time.perf_counter()
        losses, right = self.losses(batches)
        losses.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        for name, weights in self.weights.items():
            assert weights.grad is not None  # noqa: S101 - every weight is used
            for fit, gradient in zip(self.fits, weights.grad, strict=True):
                fit.model.get_parameter(name).grad = gradient
            weights.grad = None
        for fit, loss, count in zip(self.fits, losses.detach(), right, strict=True):
            fit.measured = loss, count
            fit.update()
        share = (time.perf_counter() - start) / len(self.fits)
        for fit in self.fits:
            fit.seconds += share

    def losses(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        """Return each batch's loss ``(fits,)`` under its own network, and how many are right."""
        images, labels = (torch.stack(parts) for parts in zip(*batches, strict=True))
        state = {f"model.{name}": tensor for name, tensor in (self.weights | self.buffers).items()}
        own = None if self.class_weights is None else 0
        ask = torch.vmap(partial(functional_call, self.form), in_dims=(0, (0, 0, own)))
        losses, right = ask(state, (images, labels, self.class_weights))
        return losses, right

    def part(self) -> None:
        """Give each network weights of its own again, so that none keeps the others in memory."""
        for fit in self.fits:
            for tensor in (*fit.model.parameters(), *fit.model.buffers()):
                tensor.data = tensor.data.clone()


def _stack_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """Return tensors in one, ``(n, ...)``, of which each becomes a part, in the layout it had."""
    first, size = tensors[0], tensors[0].numel()
    whole = torch.empty(len(tensors) * size, dtype=first.dtype, device=first.device)
    whole = whole.as_strided((len(tensors), *first.shape), (size, *first.stride()))
    for part, tensor in zip(whole, tensors, strict=True):
        part.copy_(tensor.data)
        tensor.data = part
    return whole


class _StackedModule(nn.Module):
    """The loss of a batch as a module whose weights are given with every call.

    Three kinds of layer go out of `vmap` and do their work on all networks themselves: batch
    normalisation, which in `vmap` takes no bf16 on a CPU; dropout, so that each fit draws what it
    would alone; and averaging over the image, of which `vmap` knows no fast way.
    """

    def __init__(self, fits: Sequence[TrainingLoop]) -> None:
        super().__init__()
        self.recipe, self.precision = fits[0].fit_spec.recipe, fits[0].precision
        self.model = copy.deepcopy(fits[0].model).to("meta").train()
        for module in self.model.modules():
            forward: Any = None
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                forward = partial(_batch_norm, module)
            elif isinstance(module, nn.Dropout):
                forward = partial(_call_unbatched, partial(_dropout, module.p, fits))
            elif isinstance(module, nn.AdaptiveAvgPool2d):
                forward = partial(_call_unbatched, partial(_average_pool, module.output_size))
            if forward is not None:
                module.forward = forward

    def forward(
        self, images: Tensor, labels: Tensor, class_weights: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return batch_loss(self.model, images, labels, class_weights, self.recipe, self.precision)


class _Unbatched(torch.autograd.Function):
    """Calls a function from within `vmap` with the tensors of all networks, ``(n, ...)``."""

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Note nothing: autograd follows the function itself."""

    @staticmethod
    def vmap(
        info: Any, in_dims: Sequence[int | None], function: Callable[..., Tensor], *tensors: Tensor
    ) -> tuple[Tensor, int]:
        whole = [t.movedim(at or 0, 0) for t, at in zip(tensors, in_dims[1:], strict=True)]
        return function(*whole), 0


def _call_unbatched(function: Callable[..., Tensor], *tensors: Tensor | None) -> Tensor:
    found: Tensor = _Unbatched.apply(function, *tensors)  # type: ignore[no-untyped-call]  # as torch
    return found


def _batch_norm(norm: nn.modules.batchnorm._BatchNorm, values: Tensor) -> Tensor:
    """Normalise as in training; the running statistics move in place."""
    assert norm.num_batches_tracked is not None  # noqa: S101 - ours track
    assert norm.momentum is not None  # noqa: S101 - only `Average` takes it away, and gives it back
    rate = norm.momentum
    norm.num_batches_tracked.add_(1)

    def folded(
        values: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        # batch normalisation treats each channel for itself, so networks may lie side by side
        side_by_side = values.movedim(0, 1).flatten(1, 2)
        mean, variance, weight, bias = (v.view(-1) for v in (mean, variance, weight, bias))
        found = F.batch_norm(side_by_side, mean, variance, weight, bias, True, rate, norm.eps)
        return found.view(len(found), len(values), -1, *found.shape[2:]).movedim(1, 0)

    return _call_unbatched(
        folded, values, norm.running_mean, norm.running_var, norm.weight, norm.bias
    )


def _dropout(share: float, fits: Sequence[TrainingLoop], values: Tensor) -> Tensor:
    """Drop a share of the values; each fit draws from its own stream."""
    ones = torch.ones(values.shape[1:], dtype=values.dtype, device=values.device)
    if ones.ndim == 4:  # in the layout of a fit alone, on which the order of draws depends
        ones = ones.contiguous(memory_format=torch.channels_last)
    masks = []
    for fit in fits:
        with fit.drawing():
            masks.append(F.dropout(ones, share))
    return values * torch.stack(masks)


def _average_pool(size: Any, values: Tensor) -> Tensor:
    """Average over the image; networks and pictures are one batch."""
    found = F.adaptive_avg_pool2d(values.flatten(0, 1), size)
    return found.view(*values.shape[:2], *found.shape[1:])
