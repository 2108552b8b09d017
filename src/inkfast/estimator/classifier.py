"""`DigitClassifier`: the same training, as a scikit-learn classifier."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from inkfast import models, noise
from inkfast.core.digits import CLASSES, Digits, Images
from inkfast.core.errors import InkfastError, check_choice, check_number, short_repr
from inkfast.core.pixels import to_unit
from inkfast.estimator.features import fit_features
from inkfast.training import (
    TRAIN_NOISE,
    Callback,
    Epoch,
    FitSpec,
    Recipe,
    fit,
    hardware,
    resolve_recipe,
)
from inkfast.training.batches import split_calibration, split_validation

# Images predicted in one batch. The last batch is padded, so that all images go through the same
# kernels and a prediction does not depend on the other rows.
_BLOCK = 32


# scikit-learn has no types
class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A digit classifier for pipelines, grid searches and cross-validation of scikit-learn.

    Images are ``(n, 784)`` or ``(n, 28, 28)``, from 0 to 255 or in [0, 1]. The brightest training
    pixel decides: at most 1 means [0, 1]. Rows on the other scale are refused at `predict`, so no
    scaler is needed. Rows with another number of features are converted to 28x28 images, see
    `inkfast.estimator.features`. Labels are up to ten classes of any type.

    The epoch is chosen on validation rows cut from the training rows: a tenth unless the recipe
    says otherwise, and at least one per class. If a class has a single row, none are cut, and the
    last epoch is kept.

    Args:
        model: Spec of the model, e.g. ``"cnn"`` or ``"mlp(hidden=[256, 128])"``.
        noise: Spec of the noise that the model must withstand, e.g. ``"rotate(degrees=30)"``.
        train_noise: fresh (drawn again for each batch), once (one noisy copy) or none.
        epochs: Passes over the training rows; None takes the default of the recipe.
        recipe: Keys of `inkfast.training.recipe.Recipe` that override the defaults of the model.
        threads: torch threads of `fit` and `predict`. With one, the default, a `random_state` gives
            the same weights on a busy machine too, and ``n_jobs`` can run folds in parallel. 0
            chooses the number by timing.
        random_state: Seed; None draws one from NumPy's global state, and a `RandomState` is drawn
            from, as everywhere in scikit-learn.
        verbose: 1 prints one line per epoch.

    Attributes:
        classes_: Distinct labels, ascending.
        n_features_in_: Number of features; 784 for 28x28 images.
        n_iter_: Number of trained epochs.
        n_validation_: Number of validation rows; 0 if there were too few rows.
        history_: One dict per epoch, see `inkfast.training.trained_model.Epoch`; validation is NaN
            without validation rows.
        features_: Conversion of rows to images, with the scale.
        trained_: Trained model with its architecture, recipe and history.
    """

    def __init__(
        self,
        model: str = "cnn",
        *,
        noise: str = "none",
        train_noise: str = "fresh",
        epochs: int | None = None,
        recipe: Mapping[str, Any] | None = None,
        threads: int = 1,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.noise = noise
        self.train_noise = train_noise
        self.epochs = epochs
        self.recipe = recipe
        self.threads = threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's name
        """Train on images or rows ``(n, ...)`` and their labels ``(n,)``.

        Raises:
            ValueError: If a parameter, the rows or the labels cannot be used.
        """
        settings = self._settings()
        rows, labels = validate_data(self, _flat(X), y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        _check_classes(self.classes_)
        self.features_ = fit_features(rows)
        digits = Digits(self.features_.to_images(rows), codes.astype(np.int64), "training rows")
        fit_spec = _with_validation(FitSpec(digits=digits, **settings))
        cut = fit_spec.validation is None
        self.trained_ = fit(
            fit_spec, callback=Callback(on_epoch_end=lambda e: self._report(_epoch_figures(e, cut)))
        )
        self.n_iter_ = len(self.trained_.history)
        self.n_validation_ = (
            len(split_validation(digits, fit_spec.recipe, fit_spec.seed)[1]) if cut else 0
        )
        self.history_ = [_epoch_figures(epoch, cut) for epoch in self.trained_.history]
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each row, ``(n,)``."""
        chosen = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[chosen])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return class probabilities ``(n, classes)`` in the order of `classes_`; rows sum to 1."""
        return np.asarray(torch.from_numpy(self._logits(X)).softmax(1).numpy())

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return logits ``(n, classes)``; for two classes ``(n,)``, above 0 for the second."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _logits(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the logits of the classes in `classes_`, ``(n, classes)``."""
        check_is_fitted(self)
        rows = validate_data(self, _flat(X), reset=False)
        images = self.features_.to_images(rows)
        with hardware.torch_threads(self.trained_.threads):
            outputs = _outputs(self.trained_.model, images)
        return outputs[:, : len(self.classes_)]

    def _settings(self) -> dict[str, Any]:
        """Check the parameters and return them as arguments of `FitSpec`."""
        if not isinstance(self.model, str):
            raise InkfastError(f"`model` must be text such as 'cnn', got {short_repr(self.model)}.")
        if not isinstance(self.recipe, Mapping | None):
            raise InkfastError(
                f"`recipe` must be a mapping of recipe keys, got {short_repr(self.recipe)}."
            )
        check_choice("train_noise", self.train_noise, TRAIN_NOISE)
        threads = _to_python(self.threads)
        check_number("threads", threads, low=0, high=1024, whole=True)
        architecture = models.build_digit_model(self.model)
        epochs = {} if self.epochs is None else {"epochs": self.epochs}
        own = {key: _to_python(value) for key, value in {**(self.recipe or {}), **epochs}.items()}
        return {
            "architecture": architecture,
            "recipe": resolve_recipe(architecture.recipe, own),
            "noise": noise.build_noise(self.noise),
            "train_noise": self.train_noise,
            "seed": self._seed(),
            "threads": threads,
        }

    def _seed(self) -> int:
        given = _to_python(self.random_state)
        if isinstance(given, numbers.Real):
            return int(check_number("random_state", given, low=0, high=2**32 - 1, whole=True))
        return int(check_random_state(given).randint(2**31))

    def _report(self, epoch: dict[str, float]) -> None:
        if self.verbose:
            line = ", ".join(f"{key} {value:.4g}" for key, value in epoch.items())
            print(line)  # noqa: T201 - asked for


def _flat(X: Any) -> Any:  # noqa: N803
    """Return square images ``(n, side, side)`` as rows, and anything else unchanged."""
    X = np.asarray(X) if isinstance(X, list | tuple) else X  # noqa: N806
    if getattr(X, "ndim", 2) <= 2:
        return X
    if X.ndim != 3 or X.shape[1] != X.shape[2]:
        raise InkfastError(
            f"X must be rows (n, features) or square images (n, 28, 28), got shape {X.shape}."
        )
    return np.asarray(X).reshape(len(X), -1)


def _check_classes(classes: NDArray[Any]) -> None:
    if len(classes) < 2:
        raise InkfastError("y must have at least two classes, got 1 class.")
    if len(classes) > CLASSES:
        raise InkfastError(f"y must have at most {CLASSES} classes, got {len(classes)} classes.")


def _with_validation(fit_spec: FitSpec) -> FitSpec:
    """Adapt validation to few digits: at least one row per class, or none.

    A fit without validation rows gets its training rows as validation and keeps the last epoch.
    Rows for calibration are neither.
    """
    rows, _ = split_calibration(fit_spec.digits, fit_spec.recipe, fit_spec.seed)
    labels, first = fit_spec.digits.known_labels, np.unique(fit_spec.digits.groups[rows])
    counts = np.bincount(labels[first], minlength=labels.max() + 1)  # copies stay on one side
    recipe, n, classes = fit_spec.recipe, len(first), len(counts)
    if recipe.validation_rows == "last":
        return fit_spec
    if counts.min() < 2:
        last: Recipe = dataclasses.replace(recipe, keep="last")
        seen = fit_spec.digits.pick(rows, fit_spec.digits.name)
        return dataclasses.replace(fit_spec, recipe=last, validation=seen)
    share = max(recipe.validation, classes / n)
    return dataclasses.replace(fit_spec, recipe=dataclasses.replace(recipe, validation=share))


def _outputs(model: torch.nn.Module, images: Images) -> NDArray[np.float64]:
    """Return the logits ``(n, 10)``, computed in fp32 in batches of one size."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), _BLOCK):
            block = torch.zeros(_BLOCK, *images.shape[1:], dtype=torch.uint8)
            part = torch.tensor(images[start : start + _BLOCK])
            block[: len(part)] = part
            found.append(model(to_unit(block)[:, None])[: len(part)].double())
    return np.asarray(torch.cat(found).numpy())


def _epoch_figures(epoch: Epoch, validated: bool) -> dict[str, float]:
    unknown = {} if validated else dict.fromkeys(("validation_loss", "validation_accuracy"), np.nan)
    return {**dataclasses.asdict(epoch), **unknown}


def _to_python(value: Any) -> Any:
    """Convert a NumPy scalar, as in parameter grids, to a Python number."""
    return value.item() if isinstance(value, np.generic) else value
