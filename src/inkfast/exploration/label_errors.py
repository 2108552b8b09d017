"""Label errors by confident learning on out-of-fold probabilities.

Source: Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset
Labels, section 3: a digit is counted from its label to another class when its probability of that
class reaches the class's own average. Implemented here because it is a page of NumPy; the authors'
package depends on pandas. Suspects are ranked by their probability of the label they
have, over both parts, so every row has a rank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast import models, noise
from inkfast.core.digits import CLASSES, Digits, Indices, Labels
from inkfast.core.errors import InkfastError
from inkfast.core.random import derive_seed
from inkfast.core.splits import count_groups, describe_groups, stratified_group_kfold
from inkfast.exploration.classes import Floats
from inkfast.training import Callback, FitSpec, Recipe, fit

FOLDS = 5
MODEL = "cnn(layers='C16(5)/2-C32-MP-C64')"
_MIN_PER_CLASS = 3  # digits of a class with which folds and validation rows still have all of it

# Wrong or unclear labels of MNIST's test digits, rows counted from 0 (Northcutt, Athalye and
# Mueller 2021, Pervasive Label Errors in Test Sets), and the fingerprint of those digits.
KNOWN_MNIST_ERRORS = (
    947,
    1621,
    1901,
    2130,
    2462,
    2597,
    2654,
    3520,
    3558,
    5937,
    6651,
    6783,
    8527,
    9679,
    9729,
)
MNIST_TEST = "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891"


@dataclass(frozen=True, kw_only=True)
class LabelSuspects:
    """Rows of the training digits and then the test digits, ranked by suspicion of their label.

    Attributes:
        n_train: Rows from here on are test digits.
        labels: int64 ``(n,)``, as given.
        probabilities: float64 ``(n, 10)``, each row from a network not trained on it.
        flagged: bool ``(n,)``, rows that confident learning counts to another class.
        order: Rows, the most suspicious first.
        folds: How many networks gave the probabilities.
    """

    n_train: int
    labels: Labels
    probabilities: Floats
    flagged: NDArray[np.bool_]
    order: Indices
    folds: int

    @property
    def accuracy(self) -> float:
        """Share of rows whose most probable class is their label."""
        return float((self.probabilities.argmax(axis=1) == self.labels).mean())

    def first(self, part: str, n: int) -> list[int]:
        """Return a part's most suspicious rows, numbered over both parts."""
        chosen = (self.order >= self.n_train) == (part == "test")
        rows: list[int] = self.order[chosen][:n].tolist()
        return rows

    def listed(self) -> list[int]:
        """Return the flagged rows and the first 100 of each part, most suspicious first."""
        wanted = {*self.first("train", 100), *self.first("test", 100)}
        wanted |= set(np.flatnonzero(self.flagged).tolist())
        return [row for row in self.order.tolist() if row in wanted]

    def counts(self) -> NDArray[np.int64]:
        """Return flagged rows by label and most probable class, ``(10, 10)``."""
        table = np.zeros((CLASSES, CLASSES), np.int64)
        rows = np.flatnonzero(self.flagged)
        np.add.at(table, (self.labels[rows], self.probabilities[rows].argmax(axis=1)), 1)
        return table

    def known_found(self, test: Digits | None, within: int = 100) -> int | None:
        """Return how many of MNIST's known test errors lead the list; None for other digits."""
        if test is None or test.fingerprint != MNIST_TEST:
            return None
        return len(
            {row - self.n_train for row in self.first("test", within)} & set(KNOWN_MNIST_ERRORS)
        )


def check_label_counts(train: Digits, test: Digits | None) -> None:
    """Raise unless there are labels, two classes, and three images of each class.

    Raises:
        InkfastError: Saying what is missing.
    """
    _ = train.known_labels
    digits = _all_digits(train, test)
    counts = count_groups(digits)
    present = np.flatnonzero(counts)
    rarest = int(present[counts[present].argmin()])
    if len(present) < 2:
        raise InkfastError(
            f"--labels needs at least two classes: all digits are {rarest}s. Leave it out."
        )
    if counts[rarest] < _MIN_PER_CLASS:
        raise InkfastError(
            f"--labels needs at least {_MIN_PER_CLASS} digits of every class: class {rarest} has "
            f"{counts[rarest]}{describe_groups(digits)}. "
            "Add some, or leave --labels out."
        )


def find_label_errors(
    train: Digits, test: Digits | None, seed: int, observe: Callable[[str, int, int], Callback]
) -> LabelSuspects:
    """Train one small network for each fold of all digits, and rank the labels.

    Copies of an image lie in one fold, so that no network is trained on a copy of what it judges.
    """
    check_label_counts(train, test)
    digits = _all_digits(train, test)
    labels = digits.known_labels
    counts = count_groups(digits)
    folds = int(min(FOLDS, counts[counts > 0].min()))
    cuts = stratified_group_kfold(digits, folds, 1, derive_seed(seed, "label folds"))
    probabilities = np.empty((len(digits), CLASSES))
    for number, (kept, held_out) in enumerate(cuts, start=1):
        callback = observe(f"labels, fold {number}", number, folds)
        fit_spec = _fold_fit_spec(
            digits.pick(kept, "fold"), derive_seed(seed, "label fold", number)
        )
        answers = fit(fit_spec, callback=callback).probabilities(digits.pick(held_out, "held out"))
        probabilities[held_out] = answers
    return flag_label_errors(labels, probabilities, n_train=len(train), folds=folds)


def flag_label_errors(
    labels: Labels, probabilities: Floats, *, n_train: int, folds: int
) -> LabelSuspects:
    """Rank labels by out-of-fold probabilities ``(n, 10)``, and flag those counted elsewhere."""
    own = probabilities[np.arange(len(labels)), labels]
    averages = np.array([
        own[labels == digit].mean() if (labels == digit).any() else np.inf
        for digit in range(CLASSES)
    ])  # fmt: skip
    reached = np.where(probabilities >= averages, probabilities, -1.0)
    flagged = (reached.max(axis=1) >= 0) & (reached.argmax(axis=1) != labels)
    return LabelSuspects(
        n_train=n_train,
        labels=labels,
        probabilities=probabilities,
        flagged=flagged,
        order=np.argsort(own, kind="stable"),
        folds=folds,
    )


def _fold_fit_spec(digits: Digits, seed: int) -> FitSpec:
    present = len(np.unique(digits.known_labels))
    # a validation part must hold every class, also where there are few digits
    share = min(0.5, max(0.1, 1.5 * present / len(digits)))
    recipe = Recipe(
        epochs=2, learning_rate=0.01, augment="translate(pixels=2, whole=True)", validation=share
    )
    return FitSpec(
        architecture=models.build_model(MODEL),
        recipe=recipe,
        digits=digits,
        noise=noise.build_noise("none"),
        seed=seed,
        threads=1,
    )


def _all_digits(train: Digits, test: Digits | None) -> Digits:
    return train if test is None else train.followed_by(test, "all digits")
