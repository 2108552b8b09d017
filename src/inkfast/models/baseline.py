"""The base class of baselines: estimators of scikit-learn with the interface of networks.

`Baseline.build` returns a `SklearnModule`, a module without weights whose outputs are those of the
fitted estimator and whose extra state is that estimator, packed without pickle. Scores of an
estimator without probabilities are divided by a temperature.
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
# Logit of a class that has probability 0, instead of minus infinity; scikit-learn's log_loss clips
# probabilities at the same value.
FLOOR = float(np.log(np.finfo(np.float64).eps))


@dataclass(frozen=True, kw_only=True)
class Baseline(Architecture):
    """One kind of estimator, fitted at once to all training rows.

    There are no batches: rows are corrupted and augmented once, or `copies` times, before the
    estimator is fitted. Of a recipe it uses the keys that choose, add or weight rows: validation,
    validation_rows, calibration, synthetic, balance, balance_neighbours, class_weights and augment.

    Attributes:
        copies: Corrupted or augmented copies of each training row, if noise or augmentation is
            fresh.
    """

    recipe: ClassVar[Mapping[str, Any]] = {"epochs": 1}
    grows: ClassVar[str]  # what grows with the number of training rows
    weighs: ClassVar[bool] = True  # whether rows can have weights
    scores: ClassVar[bool] = False  # whether it has scores instead of probabilities
    trusted: ClassVar[tuple[str, ...]] = ()  # further types that may be loaded

    copies: int = 1

    def __post_init__(self) -> None:
        check_number("copies", self.copies, low=1, high=100, whole=True)

    @abstractmethod
    def estimator(self, seed: int, threads: int) -> Any:
        """Return the unfitted classifier of scikit-learn."""

    @abstractmethod
    def count(self, estimator: Any) -> int:
        """Return how many numbers the fitted estimator holds."""

    def widths(self) -> tuple[int, ...]:
        """Return the units of each dense layer from input to output; empty if there are none."""
        return ()

    def clean(self, estimator: Any) -> None:
        """Delete what only fitting needs."""

    def check(self, estimator: Any) -> None:
        """Raise `ValueError` if the numbers of a loaded estimator are inconsistent."""

    def logits(self, estimator: Any, pixels: Floats) -> NDArray[np.float64]:
        """Return logits ``(n, k)`` of the k classes that the estimator knows, in its order."""
        if not self.scores:
            shares = np.asarray(estimator.predict_proba(pixels), np.float64)
            return np.log(np.maximum(shares, np.finfo(np.float64).eps))
        scores = np.asarray(estimator.decision_function(pixels), np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    def build(self) -> nn.Module:
        return SklearnModule(self)


class SklearnModule(nn.Module):
    """A fitted estimator as a module from images to log-probabilities."""

    def __init__(self, baseline: Baseline, estimator: Any = None, temperature: float = 1.0) -> None:
        super().__init__()
        self.baseline, self.estimator, self.temperature = baseline, estimator, temperature

    def forward(self, images: Tensor) -> Tensor:
        """Return float64 ``(n, 10)`` log-probabilities of float32 ``(n, 1, 28, 28)``."""
        logits = self.baseline.logits(self.estimator, images.flatten(1).numpy())
        known = torch.from_numpy(logits / self.temperature).log_softmax(1)
        found = torch.full((len(images), CLASSES), FLOOR, dtype=torch.float64)
        found[:, torch.from_numpy(self.estimator.classes_)] = known.clamp(min=FLOOR)
        return found

    def count(self) -> int:
        """Return how many numbers the fitted estimator holds."""
        return self.baseline.count(self.estimator)

    def get_extra_state(self) -> Tensor:
        """Return estimator and temperature as uint8 ``(bytes,)``."""
        fitted = {"estimator": self.estimator, "temperature": self.temperature}
        return torch.frombuffer(bytearray(pack(fitted)), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore what `get_extra_state` returned.

        Raises:
            InkfastError: If it is damaged, untrusted or another kind of estimator.
        """
        fitted = unpack(state.numpy().tobytes(), self.baseline.trusted)
        estimator, temperature = fitted.get("estimator"), fitted.get("temperature")
        if not _usable(estimator, temperature, self.baseline):
            raise InkfastError(
                f"its estimator is not a {self.baseline.name} for digits, fitted by inkfast"
            )
        self.estimator, self.temperature = estimator, float(temperature or 1)


def _usable(estimator: Any, temperature: Any, baseline: Baseline) -> bool:
    """Return whether a loaded estimator can be used."""
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
