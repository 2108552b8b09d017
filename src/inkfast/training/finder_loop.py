"""`fit_finder`: trains a network that finds numbers on squares of composed pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkfast.core.io import write_bytes
from inkfast.core.random import derive_seed, make_generator
from inkfast.models.number_finder import NumberFinderNetwork
from inkfast.training import hardware
from inkfast.training.checkpoint import pack_optimisers, tensors_under, unpack_optimisers
from inkfast.training.finder_pages import LabelledPage, cut_square
from inkfast.training.optimisation import WeightAverage, make_optimisers
from inkfast.training.recipe import Recipe

_SAVED_EVERY = 50  # steps
_STATISTICS_BATCHES = 30  # batches on which the statistics of averaged weights are computed
# Words count that much less as faults of `core`: 10 may be lo, and a reader of numbers knows more.
_LENIENCE = 0.75
_NOISE, _NOISY = 0.2, 0.4  # largest deviation of added noise, and the share of squares that get it


@dataclass(frozen=True, kw_only=True)
class FinderRecipe:
    """How a finder of numbers is trained.

    Attributes:
        steps: Number of steps.
        batch_size: Squares in a step.
        side: Side of a square in pixels, a multiple of 32.
        learning_rate: Learning rate after `warmup` steps.
        warmup: Steps in which it rises.
        falling: Share of the steps, at the end, in which it falls to zero.
        ema: Decay per step of the average of the weights, which is kept.
        seed: Seed of weights, squares and noise.
    """

    steps: int = 3500
    batch_size: int = 12
    side: int = 256
    learning_rate: float = 3e-3
    warmup: int = 60
    falling: float = 0.5
    ema: float = 0.995
    seed: int = 0


def fit_finder(
    recipe: FinderRecipe,
    pages: Sequence[LabelledPage],
    path: Path,
    threads: int = 0,
    report: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
) -> nn.Module:
    """Train a network, or resume its training.

    Args:
        recipe: How to train it.
        pages: Pages that squares are cut from.
        path: File that the state of the training is kept in.
        threads: Number of torch threads; 0 for all cores.
        report: Called after every step with its number, from 1, and its losses.

    Returns:
        The network with averaged weights, to be evaluated.
    """
    hardware.keep_freed_memory()
    with hardware.torch_threads(threads or torch.get_num_threads()):
        return _FinderLoop(recipe, pages, path).run(report)


class _FinderLoop:
    """The training of one network: weights, optimisers and what else changes."""

    def __init__(self, recipe: FinderRecipe, pages: Sequence[LabelledPage], path: Path) -> None:
        self.recipe, self.pages, self.path = recipe, pages, path
        self.device = hardware.choose_device()
        self.precision = hardware.choose_precision("auto", self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(recipe.seed, "weights") % 2**63)
            model = NumberFinderNetwork()
        # torch's types leave out `to` with a memory format
        self.model: nn.Module = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimisers = make_optimisers(
            self.model,
            Recipe(
                optimiser="muon",
                learning_rate=recipe.learning_rate,
                weight_decay=0.01,
                momentum=0.95,
            ),
        )
        self.average = WeightAverage(self.model, recipe.ema)
        self.step = 0
        self._resume()

    def run(self, report: Callable[[int, dict[str, float]], None]) -> nn.Module:
        self.model.train()
        with ThreadPoolExecutor(1) as composing:  # cuts the next squares during a step
            coming = composing.submit(self._batch, self.step)
            while self.step < self.recipe.steps:
                squares, targets = coming.result()
                coming = composing.submit(self._batch, self.step + 1)
                losses = self._take_step(squares, targets)
                self.step += 1
                report(self.step, losses)
                if self.step % _SAVED_EVERY == 0 or self.step == self.recipe.steps:
                    self._save()
        batches = [self._batch(self.step + i)[0] for i in range(_STATISTICS_BATCHES)]
        self.average.load_into(self.model, batches)
        return self.model.eval()

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the squares and targets of a step, which depend on seed and step alone."""
        recipe = self.recipe
        rng = np.random.default_rng(derive_seed(recipe.seed, "squares", step))
        rows = rng.integers(0, len(self.pages), recipe.batch_size)
        cut = [cut_square(self.pages[row], recipe.side, rng) for row in rows]
        squares = torch.from_numpy(np.stack([square for square, _ in cut]))[:, None]
        targets = torch.from_numpy(np.stack([target for _, target in cut]))
        generator = make_generator(recipe.seed, "noise", step)
        deviation = _NOISE * torch.rand(len(cut), 1, 1, 1, generator=generator)
        noisy = torch.rand(len(cut), 1, 1, 1, generator=generator) < _NOISY
        squares = squares + noisy * deviation * torch.randn(squares.shape, generator=generator)
        squares = squares.to(self.device, memory_format=torch.channels_last)
        return squares, targets.to(self.device)

    def _take_step(self, squares: Tensor, targets: Tensor) -> dict[str, float]:
        for group in (g for optimiser in self.optimisers for g in optimiser.param_groups):
            group["lr"] = self._learning_rate()
        with hardware.autocast(self.device, self.precision):
            maps = self.model(squares)
        losses = finder_losses(maps.float(), targets)
        sum(losses.values()).backward()  # type: ignore[union-attr]
        for optimiser in self.optimisers:
            optimiser.step()
        self.model.zero_grad(set_to_none=True)
        # a long memory would keep the drawn weights for hundreds of steps
        self.average.decay = min(self.recipe.ema, (self.step + 1) / (self.step + 10))
        self.average.update(self.model)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def _learning_rate(self) -> float:
        recipe = self.recipe
        rising = min(1.0, (self.step + 1) / recipe.warmup)
        left = (recipe.steps - self.step) / (recipe.falling * recipe.steps)
        return recipe.learning_rate * rising * min(1.0, left)

    def _save(self) -> None:
        tensors, groups = pack_optimisers(self.optimisers)
        tensors |= {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{i}": v for i, v in enumerate(self.average.weights)}
        tensors = {name: value.detach().contiguous().cpu() for name, value in tensors.items()}
        state = {f"groups.{i}": text for i, text in enumerate(groups)} | {"step": str(self.step)}
        write_bytes(self.path, safetensors.torch.save(tensors, state))

    def _resume(self) -> None:
        if not self.path.is_file():
            return
        with safetensors.safe_open(self.path, "pt") as file:
            state = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.step = int(state["step"])
        self.model.load_state_dict(tensors_under(tensors, "model"))
        groups = [state[f"groups.{i}"] for i in range(len(self.optimisers))]
        unpack_optimisers(self.optimisers, tensors, groups)
        for index, weight in enumerate(self.average.weights):
            weight.copy_(tensors[f"average.{index}"])


def finder_losses(maps: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Return the weighted loss of each map.

    The two maps of probabilities have a cross-entropy, balanced between cores and the rest and with
    the worst cells of the rest once more, and the Dice loss (Milletari, Navab and Ahmadi, 2016).

    Args:
        maps: Output of the network, ``(n, 4, h, w)``.
        targets: Maps of `inkfast.training.finder_targets.FinderTarget`, ``(n, 5, h, w)``.
    """
    core, other, height, angle, weight = targets.unbind(1)
    inside = (core + other) * weight
    area = inside.sum() + 1
    distances = F.smooth_l1_loss(
        maps[:, 2:], torch.stack([height, angle], 1), reduction="none", beta=0.1
    )
    height_loss, angle_loss = ((distances * inside[:, None]).sum((0, 2, 3)) / area).unbind()
    return {
        "core": _map_loss(maps[:, 0], core, weight * (1 - _LENIENCE * other)),
        "other": 0.5 * _map_loss(maps[:, 1], other, weight),
        "height": height_loss,
        "angle": 2 * angle_loss,
    }


def _map_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    inside, outside = target * weight, (1 - target) * weight
    within = (entropy * target).sum() / (inside.sum() + 1)
    without = (entropy * (1 - target)).sum() / (outside.sum() + 1)
    count = int(min(max(200, 2 * float(inside.sum())), entropy.numel() // 8))
    worst = torch.topk((entropy * (1 - target)).flatten(), count).values.mean()
    found = torch.sigmoid(logits) * weight
    dice = 1 - (2 * (found * target).sum() + 1) / (found.sum() + inside.sum() + 1)
    return within + without + worst + dice
