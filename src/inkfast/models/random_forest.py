"""`random-forest`: decision trees, each grown on a bootstrap sample of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inkfast.core.errors import check_number
from inkfast.models.base import MODELS
from inkfast.models.baseline import PIXELS, Baseline


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class RandomForest(Baseline):
    """The mean of the class probabilities of many decision trees (scikit-learn).

    Attributes:
        trees: Number of trees.
        max_depth: Largest depth of a tree; 0 for no limit.
    """

    name: ClassVar[str] = "random-forest"
    source: ClassVar[str] = "Breiman (2001), Random Forests"
    grows: ClassVar[str] = "the number of splits and leaves of every tree"
    trusted: ClassVar[tuple[str, ...]] = ("sklearn.tree._tree.Tree",)
    trees: int = 200
    max_depth: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("trees", self.trees, low=1, high=10_000, whole=True)
        check_number("max_depth", self.max_depth, low=0, high=1000, whole=True)

    def estimator(self, seed: int, threads: int) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(
            self.trees, max_depth=self.max_depth or None, random_state=seed, n_jobs=threads
        )

    def clean(self, estimator: Any) -> None:
        estimator.n_jobs = 1  # several threads add up in any order, which changes the last bits

    def count(self, estimator: Any) -> int:
        """Return two numbers for each split and the class shares of each leaf."""
        trees = [tree.tree_ for tree in estimator.estimators_]
        leaves = sum(int(tree.n_leaves) for tree in trees)
        splits = sum(int(tree.node_count) for tree in trees) - leaves
        return 2 * splits + leaves * len(estimator.classes_)

    def check(self, estimator: Any) -> None:
        # C code walks the trees without checking bounds: children must come later in the arrays
        for member in estimator.estimators_:
            tree = member.tree_
            if tree.node_count > tree.capacity:
                raise ValueError
            inner = np.flatnonzero(tree.children_left != -1)
            for children in (tree.children_left[inner], tree.children_right[inner]):
                if (children <= inner).any() or (children >= tree.node_count).any():
                    raise ValueError
            if (tree.feature[inner] < 0).any() or (tree.feature[inner] >= PIXELS).any():
                raise ValueError
