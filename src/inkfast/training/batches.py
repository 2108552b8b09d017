"""From digits to batches: rows are split, balanced, shuffled and corrupted on the device.

The whole set lies on the device as uint8; a batch is picked, scaled and corrupted there. Every
draw of an epoch depends on (seed, purpose, epoch), so each epoch can be reproduced by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from torch import Tensor

from inkfast.core.digits import CLASSES, Digits, Indices
from inkfast.core.errors import InkfastError
from inkfast.core.pixels import to_unit
from inkfast.core.random import derive_seed, make_generator
from inkfast.core.splits import stratified_group_split
from inkfast.noise import Chain, build_noise
from inkfast.noise.copies import noisy
from inkfast.synthetic.handwriting import make_handwriting
from inkfast.synthetic.non_digits import NO_DIGIT, make_non_digits
from inkfast.training.balancing import balance, check_balancing
from inkfast.training.recipe import Recipe


def split_validation(digits: Digits, recipe: Recipe, seed: int) -> tuple[Indices, Indices]:
    """Return the rows to train on and the validation rows, calibration rows left out."""
    left, _ = split_calibration(digits, recipe, seed)
    n = len(left)
    if recipe.validation_rows == "last":
        cut = round(n * (1 - recipe.validation))
        if not 0 < cut < n:
            raise InkfastError(f"too few digits to cut off {recipe.validation:.0%}: got {n}.")
        return left[:cut], left[cut:]
    purpose = derive_seed(seed, "validation rows")
    return stratified_group_split(digits, recipe.validation, purpose, left)


def split_calibration(digits: Digits, recipe: Recipe, seed: int) -> tuple[Indices, Indices]:
    """Return the rows to train and validate on, and the calibration rows."""
    if not recipe.calibration:
        return np.arange(len(digits)), np.arange(0)
    purpose = derive_seed(seed, "calibration rows")
    return stratified_group_split(digits, recipe.calibration, purpose)


def check_rows(digits: Digits, recipe: Recipe, seed: int) -> None:
    """Raise if there are too few digits to be split and balanced by the recipe.

    Raises:
        InkfastError: Naming the class that is short.
    """
    rows, _ = split_validation(digits, recipe, seed)
    check_balancing(digits.pick(rows, "training rows"), recipe.balance, recipe.balance_neighbours)


def training_rows(
    digits: Digits, recipe: Recipe, seed: int, *, whole: bool = False
) -> tuple[Digits, Digits]:
    """Return the training rows before and after balancing and synthetic digits.

    Args:
        digits: Labelled rows.
        recipe: Shares that are cut off, balancing and synthetic digits.
        seed: Seed of the choice of rows.
        whole: Whether validation rows are given separately, so that only calibration rows are cut
            off.

    Raises:
        InkfastError: If balancing has brought in a row that was cut off.
    """
    rows, _ = (split_calibration if whole else split_validation)(digits, recipe, seed)
    given = digits.pick(rows, "training rows")
    even = balance(given, recipe.balance, recipe.balance_neighbours, derive_seed(seed, "balance"))
    if even is not given:
        known = {image.tobytes() for image in given.images}
        held_back = {image.tobytes() for image in np.delete(digits.images, rows, axis=0)} - known
        if any(image.tobytes() in held_back for image in even.images):
            raise InkfastError(
                "balancing was given validation or calibration rows: expected training rows only."
            )
    return given, _add_synthetic(even, recipe.synthetic, derive_seed(seed, "written"))


def _add_synthetic(rows: Digits, count: int, seed: int) -> Digits:
    """Return the rows followed by `count` digits of synthetic handwriting."""
    if not count:
        return rows
    more = make_handwriting(count, seed)
    images = np.concatenate([rows.images, more.images])
    labels = np.concatenate([rows.known_labels, more.known_labels])
    return Digits(images, labels, f"{rows.name} and {len(more)} synthetic")


@dataclass(frozen=True)
class TrainingSet:
    """The training rows on the device, with the noise applied to each batch.

    Attributes:
        images: uint8 ``(n, 28, 28)``.
        labels: int64 ``(n,)``; `NO_DIGIT` for outliers.
        chain: Noise chain, drawn again for every batch.
        recipe: Recipe with batch size and length of an epoch.
        seed: Seed of order and noise.
    """

    images: Tensor
    labels: Tensor
    chain: Chain
    recipe: Recipe
    seed: int

    @classmethod
    def of(
        cls,
        digits: Digits,
        noise: Chain,
        *,
        fresh: bool,
        recipe: Recipe,
        seed: int,
        device: torch.device,
    ) -> TrainingSet:
        """Put digits on the device; noise that is not fresh is drawn here, once."""
        augment = build_noise(recipe.augment)
        if not fresh:
            digits = noisy(digits, noise, derive_seed(seed, "training noise"))
            noise = build_noise("none")
        chain = Chain((*augment, *noise), f"{augment.name} + {noise.name}")
        images, labels = digits.images, digits.known_labels
        if recipe.outliers:
            others = make_non_digits(digits, recipe.outliers, derive_seed(seed, "outliers"))
            images = np.concatenate([images, others])
            labels = np.append(labels, np.full(len(others), NO_DIGIT))
        given = torch.tensor(images, device=device), torch.tensor(labels, device=device)
        return cls(*given, chain, recipe, seed)

    @property
    def steps(self) -> int:
        """Number of steps in an epoch; a last batch of a single image is left out."""
        rows, size = self._rows(), self.recipe.batch_size
        return max(1, rows // size + (rows % size > 1))

    def _rows(self) -> int:
        passes = ceil(self.recipe.min_epoch_images / len(self.images))
        return len(self.images) * max(1, passes)

    def epoch(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of one epoch: float32 ``(b, 1, 28, 28)`` and labels ``(b,)``."""
        device = self.images.device
        orders = make_generator(self.seed, "order", number, device=device)
        draws = make_generator(self.seed, "training noise", number, device=device)
        order = torch.cat([
            torch.randperm(len(self.images), generator=orders, device=device)
            for _ in range(self._rows() // len(self.images))
        ])  # fmt: skip
        for step in range(self.steps):
            rows = order[step * self.recipe.batch_size : (step + 1) * self.recipe.batch_size]
            images = to_unit(self.images[rows])
            yield self.chain(images, draws)[:, None], self.labels[rows]

    def class_weights(self) -> Tensor:
        """Return n / (classes * n_class) for every class, 1 for a class without rows."""
        known = self.labels[self.labels != NO_DIGIT]
        counts = torch.bincount(known, minlength=CLASSES)
        present = counts > 0
        weights = len(known) / (present.sum() * counts.clamp(min=1))
        return torch.where(present, weights, torch.ones_like(weights))
