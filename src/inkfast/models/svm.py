"""`svm`: maximum margins between digits, with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from inkfast.core.errors import check_choice, check_number
from inkfast.models.base import MODELS
from inkfast.models.baseline import PIXELS, Baseline


@MODELS.register
@dataclass(frozen=True, kw_only=True)
class Svm(Baseline):
    """A support vector machine with a Gaussian (RBF) kernel, one against one (scikit-learn).

    Scores become probabilities with a temperature that is fitted on the validation rows: Guo,
    Pleiss, Sun and Weinberger (2017), On Calibration of Modern Neural Networks. Time grows with
    the square of the rows: minutes for all of MNIST.

    Attributes:
        C: Cost of a row on the wrong side of the margin; a larger one fits closer.
        gamma: Factor in the kernel exp(-gamma * distance^2); "scale" is 1 / (784 * variance of
            pixels).
    """

    name: ClassVar[str] = "svm"
    source: ClassVar[str] = "Cortes and Vapnik (1995), Support-Vector Networks"
    grows: ClassVar[str] = "793 numbers and 1,586 FLOPs per image for every support vector"
    scores: ClassVar[bool] = True
    C: float = 5.0
    gamma: float | str = "scale"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("C", self.C, above=0, high=1e9)
        if isinstance(self.gamma, str):
            check_choice("gamma", self.gamma, ("scale",))
        else:
            check_number("gamma", self.gamma, above=0, high=1e6)

    def estimator(self, seed: int, threads: int) -> Any:
        from sklearn.svm import SVC

        return SVC(C=self.C, gamma=self.gamma, cache_size=1000)  # MB of kernel rows

    def check(self, estimator: Any) -> None:
        # libsvm reads arrays by the sizes in the file without checking bounds
        vectors, classes = estimator.support_vectors_, len(estimator.classes_)
        pairs = classes * (classes - 1) // 2
        sound = (
            vectors.shape == (estimator._n_support.sum(), PIXELS)
            and len(estimator.support_) == len(vectors)
            and (estimator._n_support >= 0).all()
            and len(estimator._n_support) == classes
            and estimator._dual_coef_.shape == estimator.dual_coef_.shape
            and estimator._dual_coef_.shape == (classes - 1, len(vectors))
            and estimator._intercept_.shape == (pairs,)
            and estimator.shape_fit_[1] == PIXELS
        )
        if not sound:
            raise ValueError

    def count(self, estimator: Any) -> int:
        kept = (estimator.support_vectors_, estimator.dual_coef_, estimator.intercept_)
        return int(sum(numbers.size for numbers in kept))
