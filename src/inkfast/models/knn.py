"""`knn`: the labels of the nearest training digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inkfast.core.errors import check_choice, check_number
from inkfast.models.base import MODELS
from inkfast.models.baseline import PIXELS, Baseline


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Knn(Baseline):
    """The vote of the nearest training digits, by Euclidean distance (scikit-learn).

    Attributes:
        neighbours: Number of digits that vote.
        weights: uniform (one vote each) or distance (votes weighted by 1 / distance).
    """

    name: ClassVar[str] = "knn"
    source: ClassVar[str] = "Cover and Hart (1967), Nearest Neighbor Pattern Classification"
    grows: ClassVar[str] = "785 numbers kept and 1,568 FLOPs per image for every training row"
    weighs: ClassVar[bool] = False
    neighbours: int = 3
    weights: str = "distance"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("neighbours", self.neighbours, low=1, high=1000, whole=True)
        check_choice("weights", self.weights, ("uniform", "distance"))

    def estimator(self, seed: int, threads: int) -> Any:
        from sklearn.neighbors import KNeighborsClassifier

        # in 784 dimensions a tree visits all digits too, and is slower
        return KNeighborsClassifier(self.neighbours, weights=self.weights, algorithm="brute")

    def check(self, estimator: Any) -> None:
        # C code counts votes at the index of the class without checking bounds
        votes, rows = np.asarray(estimator._y), np.asarray(estimator._fit_X)
        if rows.shape != (len(votes), PIXELS) or votes.ndim != 1 or votes.dtype.kind != "i":
            raise ValueError
        if (votes < 0).any() or (votes >= len(estimator.classes_)).any():
            raise ValueError

    def count(self, estimator: Any) -> int:
        return int(estimator._fit_X.size + len(estimator._fit_X))
