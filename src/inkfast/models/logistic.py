"""`logistic`: one weight per pixel and digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from inkfast.core.digits import CLASSES
from inkfast.core.errors import check_number
from inkfast.models.base import MODELS
from inkfast.models.baseline import PIXELS, Baseline


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Logistic(Baseline):
    """Multinomial logistic regression on pixels (scikit-learn).

    Attributes:
        C: Inverse strength of the L2 penalty; a smaller C gives smaller weights.
        max_iter: Largest number of iterations of L-BFGS.
    """

    name: ClassVar[str] = "logistic"
    source: ClassVar[str] = "Cox (1958), The Regression Analysis of Binary Sequences"
    grows: ClassVar[str] = "nothing"
    C: float = 0.1
    max_iter: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("C", self.C, above=0, high=1e9)
        check_number("max_iter", self.max_iter, low=1, high=100_000, whole=True)

    def estimator(self, seed: int, threads: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.C, max_iter=self.max_iter)

    def widths(self) -> tuple[int, ...]:
        return (PIXELS, CLASSES)

    def count(self, estimator: Any) -> int:
        return int(estimator.coef_.size + estimator.intercept_.size)
