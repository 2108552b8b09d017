"""`sklearn-mlp`: the dense network of scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from inkfast.core.digits import CLASSES
from inkfast.core.errors import check_number
from inkfast.models.base import MODELS
from inkfast.models.baseline import PIXELS, Baseline
from inkfast.models.blocks import check_sizes


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class SklearnMlp(Baseline):
    """Dense layers with ReLU, trained by Adam (scikit-learn).

    Attributes:
        hidden: Units of each hidden layer.
        alpha: Strength of the L2 penalty.
        max_iter: Largest number of passes over the rows; fitting ends when the loss stops falling.
    """

    name: ClassVar[str] = "sklearn-mlp"
    source: ClassVar[str] = (
        "Rumelhart, Hinton and Williams (1986), Learning representations by back-propagating errors"
    )
    grows: ClassVar[str] = "nothing"
    hidden: tuple[int, ...] = (256,)
    alpha: float = 1e-4
    max_iter: int = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("hidden", self.hidden, longest=100, high=20_000)
        check_number("alpha", self.alpha, low=0, high=1e6)
        check_number("max_iter", self.max_iter, low=1, high=100_000, whole=True)

    def estimator(self, seed: int, threads: int) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(
            self.hidden, alpha=self.alpha, max_iter=self.max_iter, random_state=seed
        )

    def widths(self) -> tuple[int, ...]:
        return (PIXELS, *self.hidden, CLASSES)

    def clean(self, estimator: Any) -> None:
        for left in ("_optimizer", "_random_state"):  # moments take twice the memory of the weights
            vars(estimator).pop(left, None)

    def count(self, estimator: Any) -> int:
        return int(sum(w.size for w in (*estimator.coefs_, *estimator.intercepts_)))
