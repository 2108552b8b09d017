"""Stacked fits: several networks of equal shape take their training steps at once.

A small network leaves most of a GPU idle. Only the forward and backward pass are shared, over
stacked weights (`torch.vmap`); all else stays with each fit. Results therefore differ
from those of separate fits by rounding only.
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
    """A network's fit with its next batch, or its result once it has ended.

    Attributes:
        signature: Equal for fits that can be stacked.
        result: Result of the fit; None while it runs.
    """

    def __init__(self, fit_spec: FitSpec, folder: Path, callback: Callback) -> None:
        with fit_resources(fit_spec):
            self.loop = TrainingLoop(fit_spec, folder, callback)
            self.loop.begin()
        recipe = fit_spec.recipe
        self.signature = (
            fit_spec.architecture, recipe.batch_size, recipe.label_smoothing, recipe.class_weights,
            recipe.outliers > 0, recipe.l2, self.loop.precision, self.loop.threads,
        )  # fmt: skip
        self.result: TrainedModel | DivergedError | StoppedError | None = None
        self._batches = self.loop.batches()
        self.batch: Batch
        with hardware.torch_threads(self.loop.threads):
            self.advance()

    @property
    def size(self) -> int:
        """Number of images in the next batch."""
        return len(self.batch[1])

    def advance(self) -> None:
        """Fetch the next batch after the step on this one."""
        try:
            self.batch = next(self._batches)
        except StopIteration:
            self.result = self.loop.finish()
        except (DivergedError, StoppedError) as error:
            self.result = error

    def step_alone(self) -> None:
        """Take one step without the other fits."""
        self.loop.step(*self.batch)
        self.advance()


def train_stacked(fits: Sequence[StackableFit]) -> None:
    """Train fits of equal signature, none of which has ended, until at least one ends."""
    loops = [fit.loop for fit in fits]
    with hardware.torch_threads(loops[0].threads):
        stack = _Stack(loops) if len(loops) > 1 else None
        while all(fit.result is None for fit in fits):
            full = max(fit.size for fit in fits)
            # the last batch of an epoch may be smaller: its fit takes that step alone
            smaller = [fit for fit in fits if fit.size < full]
            for fit in fits if stack is None else smaller:
                fit.step_alone()
            if stack is not None and not smaller:
                stack.step([fit.batch for fit in fits])
                for fit in fits:
                    fit.advance()
        if stack is not None:
            stack.unstack()


class _Stack:
    """The networks of several fits, with the weights of each name in one tensor."""

    def __init__(self, loops: Sequence[TrainingLoop]) -> None:
        self.loops = loops
        self.module = _StackedModule(loops)
        first = loops[0].model
        self.weights = {
            name: _stack_tensors(
                [loop.model.get_parameter(name) for loop in loops]
            ).requires_grad_()
            for name, _ in first.named_parameters()
        }
        self.buffers = {
            name: _stack_tensors([loop.model.get_buffer(name) for loop in loops])
            for name, _ in first.named_buffers()
        }
        balanced = [loop.weights for loop in loops if loop.weights is not None]
        self.class_weights = torch.stack(balanced) if balanced else None

    def step(self, batches: Sequence[Batch]) -> None:
        """Take one step of every loop, on batches of one size."""
        start = time.perf_counter()
        losses, right = self.losses(batches)
        losses.sum().backward()  # type: ignore[no-untyped-call]  # torch leaves it without types
        for name, weights in self.weights.items():
            assert weights.grad is not None  # noqa: S101 - every weight is used
            for loop, gradient in zip(self.loops, weights.grad, strict=True):
                loop.model.get_parameter(name).grad = gradient
            weights.grad = None
        for loop, loss, count in zip(self.loops, losses.detach(), right, strict=True):
            loop.measured = loss, count
            loop.update()
        share = (time.perf_counter() - start) / len(self.loops)
        for loop in self.loops:
            loop.seconds += share

    def losses(self, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        """Return loss and number of correct predictions of each network's batch, ``(fits,)``."""
        images, labels = (torch.stack(parts) for parts in zip(*batches, strict=True))
        state = {f"model.{name}": tensor for name, tensor in (self.weights | self.buffers).items()}
        own = None if self.class_weights is None else 0
        ask = torch.vmap(partial(functional_call, self.module), in_dims=(0, (0, 0, own)))
        losses, right = ask(state, (images, labels, self.class_weights))
        return losses, right

    def unstack(self) -> None:
        """Copy the weights of each network out, so that none keeps the others in memory."""
        for loop in self.loops:
            for tensor in (*loop.model.parameters(), *loop.model.buffers()):
                tensor.data = tensor.data.clone()


def _stack_tensors(tensors: Sequence[Tensor]) -> Tensor:
    """Return one tensor ``(n, ...)`` in the same layout; the given ones become views of it."""
    first, size = tensors[0], tensors[0].numel()
    whole = torch.empty(len(tensors) * size, dtype=first.dtype, device=first.device)
    whole = whole.as_strided((len(tensors), *first.shape), (size, *first.stride()))
    for part, tensor in zip(whole, tensors, strict=True):
        part.copy_(tensor.data)
        tensor.data = part
    return whole


class _StackedModule(nn.Module):
    """The loss of a batch as a module whose weights are passed with every call.

    Three kinds of layer leave `vmap` and process all networks at once: batch normalisation, which
    does not support bf16 on a CPU in `vmap`; dropout, so that each fit draws what it would alone;
    and average pooling, which is slow in `vmap`.
    """

    def __init__(self, loops: Sequence[TrainingLoop]) -> None:
        super().__init__()
        self.recipe, self.precision = loops[0].fit_spec.recipe, loops[0].precision
        self.model = copy.deepcopy(loops[0].model).to("meta").train()
        for module in self.model.modules():
            forward: Any = None
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                forward = partial(_batch_norm, module)
            elif isinstance(module, nn.Dropout):
                forward = partial(_call_unbatched, partial(_dropout, module.p, loops))
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
        """Save nothing: autograd differentiates the function itself."""

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
    """Normalise as in training and update the running statistics in place."""
    assert norm.num_batches_tracked is not None  # noqa: S101 - every norm of ours tracks
    assert norm.momentum is not None  # noqa: S101 - only `Average` takes it away, and gives it back
    rate = norm.momentum
    norm.num_batches_tracked.add_(1)

    def folded(
        values: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        # channels are normalised independently, so those of all networks are concatenated
        side_by_side = values.movedim(0, 1).flatten(1, 2)
        mean, variance, weight, bias = (v.view(-1) for v in (mean, variance, weight, bias))
        found = F.batch_norm(side_by_side, mean, variance, weight, bias, True, rate, norm.eps)
        return found.view(len(found), len(values), -1, *found.shape[2:]).movedim(1, 0)

    return _call_unbatched(
        folded, values, norm.running_mean, norm.running_var, norm.weight, norm.bias
    )


def _dropout(share: float, loops: Sequence[TrainingLoop], values: Tensor) -> Tensor:
    """Drop a share of the values; each fit draws from its own generator state."""
    ones = torch.ones(values.shape[1:], dtype=values.dtype, device=values.device)
    if ones.ndim == 4:  # in the layout of a separate fit, on which the order of draws depends
        ones = ones.contiguous(memory_format=torch.channels_last)
    masks = []
    for loop in loops:
        with loop.dropout_state():
            masks.append(F.dropout(ones, share))
    return values * torch.stack(masks)


def _average_pool(size: Any, values: Tensor) -> Tensor:
    """Average over the image; networks and images form one batch."""
    found = F.adaptive_avg_pool2d(values.flatten(0, 1), size)
    return found.view(*values.shape[:2], *found.shape[1:])
