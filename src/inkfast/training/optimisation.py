"""Optimisers, learning rate schedules and weight averaging, by recipe."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Muon, Optimizer, RMSprop

from inkfast.training.number_recipe import NumberRecipe
from inkfast.training.recipe import Recipe


def make_optimisers(model: nn.Module, recipe: Recipe | NumberRecipe) -> list[Optimizer]:
    """Return the recipe's optimisers: one, or for muon a second one, AdamW, for vectors.

    Biases and normalisation have no weight decay; frozen weights are left out.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices, vectors = ([p for p in trained if (p.ndim > 1) == many] for many in (True, False))
    rate = recipe.learning_rate
    if recipe.optimiser == "muon":
        rest = AdamW(vectors, rate, eps=recipe.epsilon, weight_decay=0.0, fused=True)
        return [_muon(matrices, recipe), rest]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if recipe.optimiser == "sgd":
        nesterov = recipe.momentum > 0
        return [SGD(groups, rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)]
    if recipe.optimiser == "rmsprop":
        return [
            RMSprop(
                groups,
                rate,
                alpha=recipe.rho,
                eps=recipe.epsilon,
                momentum=recipe.momentum,
                foreach=True,
            )
        ]
    family = AdamW if recipe.optimiser == "adamw" else Adam
    return [family(groups, rate, eps=recipe.epsilon, fused=True)]


def _muon(weights: Sequence[Tensor], recipe: Recipe | NumberRecipe) -> Optimizer:
    """Return torch's Muon, which only takes matrices, for matrices and kernels.

    A kernel is passed as a matrix of one row per output channel that shares its memory. Steps are
    scaled to the size of AdamW's, so that both use one learning rate.

    Sources: Jordan and others (2024), Muon: An optimizer for hidden layers in neural networks; Liu
    and others (2025), Muon is Scalable for LLM Training.
    """
    # `view` fails if the matrix would be a copy, whose training would not change the weight
    matrices = [nn.Parameter(_by_channel(w.detach()).view(len(w), -1)) for w in weights]
    optimiser = Muon(
        matrices,
        recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        adjust_lr_fn="match_rms_adamw",
    )

    def give_gradients(*_: object) -> None:
        for matrix, weight in zip(matrices, weights, strict=True):
            assert weight.grad is not None  # noqa: S101 - every weight has a gradient
            # the weight may have been moved, see `inkfast.training.stacked`
            matrix.data = _by_channel(weight.detach()).view(len(weight), -1)
            matrix.grad = _by_channel(weight.grad).reshape(len(weight), -1)

    optimiser.register_step_pre_hook(give_gradients)
    return optimiser


def _by_channel(weight: Tensor) -> Tensor:
    """Return a kernel with its input channels last, in the order of its memory."""
    return weight.permute(0, 2, 3, 1) if weight.ndim == 4 else weight


def learning_rate(recipe: Recipe, progress: float, validation_losses: Sequence[float]) -> float:
    """Return the learning rate of a step.

    It depends on the arguments only, so that a schedule has no state to save.

    Args:
        recipe: Recipe with the schedule and its peak.
        progress: Share of all steps done, in [0, 1].
        validation_losses: Validation loss of each finished epoch.
    """
    if recipe.schedule == "onecycle":
        return one_cycle(recipe.learning_rate, recipe.warmup, progress)
    if recipe.schedule == "plateau":
        return _plateau(recipe, validation_losses)
    return recipe.learning_rate


def one_cycle(peak: float, warmup: float, progress: float) -> float:
    """Return the learning rate of a step of a schedule that rises once and falls once.

    Args:
        peak: Highest learning rate.
        warmup: Share of all steps in which it rises.
        progress: Share of all steps done, in [0, 1].

    Source: Smith and Topin (2018), Super-Convergence; start and end are those of torch's
    OneCycleLR: peak/25 and peak/250,000.
    """
    if progress < warmup:
        return _cosine(peak / 25, peak, progress / warmup)
    return _cosine(peak, peak / 250_000, (progress - warmup) / (1 - warmup))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * share)) / 2


def _plateau(recipe: Recipe, losses: Sequence[float]) -> float:
    """Return the rate of Keras' ReduceLROnPlateau; an improvement is at least 1e-4."""
    rate, best, waited = recipe.learning_rate, float("inf"), 0
    for loss in losses:
        waited += 1
        if loss < best - 1e-4:
            best, waited = loss, 0
        elif waited >= recipe.plateau_patience and rate > recipe.min_learning_rate:
            rate, waited = max(rate * recipe.plateau_factor, recipe.min_learning_rate), 0
    return rate


class WeightAverage:
    """Exponential moving average of a model's weights.

    The running statistics of batch normalisation belong to the weights they were computed with, so
    `load_into` computes those of the averaged weights again instead of averaging them.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = [p.detach().clone() for p in model.parameters()]

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Update the average with the model's present weights."""
        torch._foreach_lerp_(self.weights, list(model.parameters()), 1 - self.decay)

    @torch.no_grad()
    def load_into(self, model: nn.Module, batches: Sequence[Tensor]) -> None:
        """Load the averaged weights into a model and compute its statistics on `batches`."""
        for parameter, weight in zip(model.parameters(), self.weights, strict=True):
            parameter.copy_(weight)
        norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a cumulative mean over batches
        model.eval()
        for norm in norms:
            norm.train()
        for batch in batches:
            model(batch)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
