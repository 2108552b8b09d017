"""What a baseline is: an estimator of scikit-learn behind the same words as a network.

`Baseline.build` returns a `SklearnModule`, a module without weights whose answers are those of the
fitted estimator and whose extra state is that estimator, packed without pickle. An estimator that
gives no probabilities gives scores, which are divided by a temperature.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inkfast.core.digits import CLASSES, SIDE
from inkfast.core.errors import InkfastError, check_number
from inkfast.models.base import Architecture
from inkfast.models.packing import pack, unpack

Floats = NDArray[np.floating[Any]]
PIXELS = SIDE * SIDE
# A class that an estimator holds for impossible gets this logit, not minus infinity; scikit-learn's
# log_loss clips probabilities at the same place.
FLOOR = float(np.log(np.finfo(np.float64).eps))


@dataclass(frozen=True, kw_only=True)
class Baseline(Architecture):
    """One kind of estimator, fitted in one go to the training rows.

    It sees no batches: rows are corrupted and augmented once, or `copies` times, before it is
    fitted. Of a recipe it heeds what chooses or adds rows and evens out classes:
    validation, validation_rows, calibration, synthetic, balance, balance_neighbours, class_weights
    and augment.

    Attributes:
        copies: Corrupted or augmented copies of every training row, where any are drawn afresh.
    """

    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 1}
    grows: ClassVar[str]  # what grows with the training rows
    weighs: ClassVar[bool] = True  # whether its rows can have weights
    scores: ClassVar[bool] = False  # whether it gives scores instead of probabilities
    trusted: ClassVar[tuple[str, ...]] = ()  # types of its own that are loaded

    copies: int = 1

    def __post_init__(self) -> None:
        check_number("copies", self.copies, low=1, high=100, whole=True)

    @abstractmethod
    def estimator(self, seed: int, threads: int) -> Any:
        """Return the classifier of scikit-learn, not yet fitted."""

    @abstractmethod
    def count(self, estimator: Any) -> int:
        """Return how many numbers fitting has set or kept."""

    def widths(self) -> tuple[int, ...]:
        """Return the units of each layer, input to output; empty when it has no dense layers."""
        return ()

    def clean(self, estimator: Any) -> None:
        """Drop what fitting needed and answering does not."""

    def check(self, estimator: Any) -> None:
        """Raise `ValueError` if a loaded estimator's numbers cannot be computed with."""

    def logits(self, estimator: Any, pixels: Floats) -> NDArray[np.float64]:
        """Return ``(n, k)`` logits in the order of the classes that the estimator knows."""
        if not self.scores:
            shares = np.asarray(estimator.predict_proba(pixels), np.float64)
            return np.log(np.maximum(shares, np.finfo(np.float64).eps))
        scores = np.asarray(estimator.decision_function(pixels), np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def build(self) -> nn.Module:
        return SklearnModule(self)


class SklearnModule(nn.Module):
    """A fitted estimator as a module: images in, log-probabilities out."""

    def __init__(self, baseline: Baseline, estimator: Any = None, temperature: float = 1.0) -> None:
        super().__init__()
        self.baseline, self.estimator, self.temperature = baseline, estimator, temperature

    def forward(self, images: Tensor) -> Tensor:
        """Return float64 ``(n, 10)`` log-probabilities of float32 ``(n, 1, 28, 28)``."""
        logits = self.baseline.logits(self.estimator, images.flatten(1).numpy())
        known = torch.from_numpy(logits / self.temperature).log_softmax(1)
        answers = torch.full((len(images), CLASSES), FLOOR, dtype=torch.float64)
        answers[:, torch.from_numpy(self.estimator.classes_)] = known.clamp(min=FLOOR)
        return answers

    def count(self) -> int:
        """Return how many numbers fitting has set or kept."""
        return self.baseline.count(self.estimator)

    def get_extra_state(self) -> Tensor:
        """Return estimator and temperature as uint8 ``(bytes,)``."""
        fitted = {"estimator": self.estimator, "temperature": self.temperature}
        return torch.frombuffer(bytearray(pack(fitted)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Take up what `get_extra_state` returned.

        Raises:
            InkfastError: If it is damaged, not trusted, or another kind of estimator.
        """
        fitted = unpack(state.numpy().tobytes(), self.baseline.trusted)
        estimator, temperature = fitted.get("estimator"), fitted.get("temperature")
        if not _usable(estimator, temperature, self.baseline):
            raise InkfastError(
                f"its estimator is not a {self.baseline.name} for digits, fitted by inkfast"
            )
        self.estimator, self.temperature = estimator, float(temperature or 1)


def _usable(estimator: Any, temperature: Any, baseline: Baseline) -> bool:
    """Return whether answers can be computed with what a file held."""
    try:
        baseline.check(estimator)
        return (
            type(estimator) is type(baseline.estimator(0, 1))
            and estimator.n_features_in_ == PIXELS
            and set(estimator.classes_.tolist()) <= set(range(CLASSES))
            and isfinite(temperature)
            and temperature > 0
        )
    except (AttributeError, TypeError, ValueError, IndexError):
        return False
