"""From shards to batches: strips of similar width together, in an order that depends on the seed.

Every draw of an epoch depends on (seed, purpose, epoch), so each epoch can be reproduced by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inkfast.core.digits import Indices
from inkfast.core.random import derive_seed, make_generator
from inkfast.inference.number_strips import (
    STRIP_MARGIN,
    GreyStrip,
    frames_of_width,
    normalize_strips,
)
from inkfast.inference.numbers import ALPHABET
from inkfast.training.number_recipe import NumberRecipe
from inkfast.training.number_shards import LabelledStrips, load_training_shards

BLANK = len(ALPHABET)  # the last output of a network
_CODES = {character: code for code, character in enumerate(ALPHABET)}
_WIDTH_STEP = 40  # widths of batches are multiples of it: kernels are prepared once for each width
_SORTED_BATCHES = 100  # batches whose strips are sorted by width together
_SMALLEST_BATCH = 8  # strips, however wide they are


@dataclass(frozen=True)
class StripBatch:
    """Strips and texts as CTC takes them.

    Attributes:
        strips: float32 ``(n, 1, 40, width)``, normalised.
        frames: int64 ``(n,)``: number of frames of each strip.
        codes: int64 ``(sum(lengths),)``: all texts one after another, as indices into `ALPHABET`.
        lengths: int64 ``(n,)``: number of characters of each text.
    """

    strips: Tensor
    frames: Tensor
    codes: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, images: Sequence[GreyStrip], texts: Sequence[str]) -> StripBatch:
        """Make a batch of prepared strips."""
        widest = max(image.shape[1] for image in images) + 2 * STRIP_MARGIN
        strips = normalize_strips(images, ceil(widest / _WIDTH_STEP) * _WIDTH_STEP)
        return cls(
            torch.from_numpy(strips),
            torch.tensor([frames_of_width(image.shape[1]) for image in images]),
            torch.tensor([_CODES[character] for text in texts for character in text]).long(),
            torch.tensor([len(text) for text in texts]),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> StripBatch:
        """Return the batch with its strips and codes on a device."""
        strips = self.strips.to(device, memory_format=torch.channels_last)
        return StripBatch(strips, self.frames, self.codes.to(device), self.lengths)


def shards_of_epoch(recipe: NumberRecipe, seed: int, epoch: int) -> list[int]:
    """Return the shards of an epoch (from 1); all have their turn before one is repeated."""
    first = (epoch - 1) * recipe.epoch_shards
    return [
        _shard_order(recipe, seed, place // recipe.shards)[place % recipe.shards]
        for place in range(first, first + recipe.epoch_shards)
    ]


def epoch_batches(
    folder: Path, recipe: NumberRecipe, seed: int, epoch: int
) -> tuple[int, Iterator[StripBatch]]:
    """Return the number of batches of an epoch (from 1), and the batches."""
    strips = load_training_shards(folder, shards_of_epoch(recipe, seed, epoch))
    plan = plan_batches(strips, recipe, derive_seed(seed, "order", epoch))
    generator = make_generator(seed, "strip noise", epoch)
    return len(plan), (_noisy_batch(strips, rows, recipe, generator) for rows in plan)


def plan_batches(strips: LabelledStrips, recipe: NumberRecipe, seed: int) -> list[list[int]]:
    """Return the rows of each batch; every strip is in one batch.

    Args:
        strips: Strips of an epoch.
        recipe: Recipe with the limits of a batch.
        seed: Seed of the order.
    """
    rng = np.random.default_rng(seed)
    widths = np.array([image.shape[1] for image in strips.images])
    order = rng.permutation(len(strips))
    step = recipe.batch_size * _SORTED_BATCHES
    plan: list[list[int]] = []
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        batches = _cut_by_width(rows[np.argsort(widths[rows], kind="stable")], widths, recipe)
        plan += [batches[place] for place in rng.permutation(len(batches))]
    return plan


def _cut_by_width(rows: Indices, widths: Indices, recipe: NumberRecipe) -> list[list[int]]:
    """Cut rows, sorted by width, into batches of as many strips as the widest of them allows."""
    batches: list[list[int]] = []
    start = 0
    while start < len(rows):
        count = recipe.batch_size
        while count > _SMALLEST_BATCH and count * _width_of(rows, start + count, widths) > (
            recipe.batch_columns
        ):
            count -= _SMALLEST_BATCH
        batches.append([int(row) for row in rows[start : start + count]])
        start += count
    return batches


def _width_of(rows: Indices, end: int, widths: Indices) -> int:
    """Return the width, with margins, of the last row before `end`."""
    return int(widths[rows[min(end, len(rows)) - 1]]) + 2 * STRIP_MARGIN


def _shard_order(recipe: NumberRecipe, seed: int, turn: int) -> list[int]:
    """Return the order of the shards in one pass over all of them."""
    rng = np.random.default_rng(derive_seed(seed, "shards", turn))
    return [int(number) for number in rng.permutation(recipe.shards)]


def _noisy_batch(
    strips: LabelledStrips, rows: list[int], recipe: NumberRecipe, generator: torch.Generator
) -> StripBatch:
    """Return a batch with Gaussian noise on half of its strips."""
    batch = StripBatch.of([strips.images[r] for r in rows], [strips.texts[r] for r in rows])
    drawn = torch.rand((2, len(rows), 1, 1, 1), generator=generator)
    sigma = drawn[0] * recipe.noise * (drawn[1] < 0.5)
    noise = torch.randn(batch.strips.shape, generator=generator) * sigma
    return StripBatch(batch.strips + noise, batch.frames, batch.codes, batch.lengths)
