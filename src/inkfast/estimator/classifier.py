"""`DigitClassifier`: the same training, as a scikit-learn classifier."""

from __future__ import annotations

import dataclasses
import numbers
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from inkfast import models, noise
from inkfast.core.digits import CLASSES, Digits, Images
from inkfast.core.errors import InkfastError, check_choice, check_number, short_repr
from inkfast.core.pixels import to_unit
from inkfast.estimator.features import fit_features
from inkfast.estimator.held_back import HeldBack
from inkfast.estimator.saved_classifier import read_classifier, write_classifier
from inkfast.models import Architecture, OwnNetwork
from inkfast.training import (
    TRAIN_NOISE,
    Epoch,
    FitSpec,
    Recipe,
    fit,
    hardware,
    resolve_recipe,
)
from inkfast.training import Callback as FitCallback
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

    The epoch is chosen on validation rows, given to `fit` or cut from the training rows: a tenth
    unless the recipe says otherwise, and at least one per class. If a class has a single row, none
    are cut, and the last epoch is kept.

    Args:
        model: Spec of the model, e.g. ``"cnn"`` or ``"mlp(hidden=[256, 128])"``; or a
            `torch.nn.Module` of your own, which is copied with its weights, or a function without
            arguments that returns a new one. Such a module takes float32 ``(n, 1, 28, 28)`` in
            [0, 1] and returns logits ``(n, 10)``.
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
        held_back_: Answers on the rows that did not train, from which `export` calibrates; None if
            there were too few rows.
        fingerprint_: SHA-256 of the training rows as images, with their classes.
    """

    def __init__(
        self,
        model: str | torch.nn.Module | Callable[[], torch.nn.Module] = "cnn",
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

    def fit(
        self,
        X: ArrayLike,  # noqa: N803 - scikit-learn's name
        y: ArrayLike,
        *,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
    ) -> Self:
        """Train on images or rows ``(n, ...)`` and their labels ``(n,)``.

        Args:
            X: Images or rows.
            y: Labels.
            validation: Rows and labels on which the epoch is chosen; they do not train. None cuts
                them from the training rows.

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
        given = None if validation is None else self._validation(validation)
        fit_spec = FitSpec(digits=digits, validation=given, **settings)
        if given is None:
            fit_spec = _with_validation(fit_spec)
        self.n_validation_ = _count_validation(fit_spec, given)
        known = self.n_validation_ > 0
        self.trained_ = fit(
            fit_spec,
            callback=FitCallback(on_epoch_end=lambda e: self._report(_epoch_figures(e, known))),
        )
        self.held_back_ = HeldBack.of(self.trained_, fit_spec) if known else None
        self.fingerprint_ = digits.fingerprint
        self._describe_history()
        return self

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the fitted classifier as one safetensors file, without pickle.

        A module of your own is saved by its weights; `load` needs the module again.

        Args:
            path: Path of the file, ending in `.safetensors`.
            overwrite: Whether an existing file is replaced.

        Raises:
            ValueError: If the file cannot be written.
        """
        check_is_fitted(self)
        write_classifier(
            Path(path), self.get_params(deep=False), dict(vars(self)), overwrite=overwrite
        )

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        model: torch.nn.Module | Callable[[], torch.nn.Module] | None = None,
    ) -> Self:
        """Return a classifier that `save` wrote; its predictions have the same bits.

        Args:
            path: Path of the file.
            model: The module of your own that it was trained with, or the function that makes it.

        Raises:
            ValueError: If the file cannot be read, was changed, or needs another module.
        """
        parameters, fitted = read_classifier(Path(path), model)
        loaded = cls(**parameters)
        loaded.__dict__.update(fitted)
        loaded._describe_history()
        return loaded

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        max_error: float = 0.01,
        overwrite: bool = False,
    ) -> None:
        """Write the network as an ONNX file, as ``inkfast export`` does, and a JSON file beside it.

        Its confidences are calibrated on the rows that chose the epoch. The risk guarantee is
        fitted on the rows that the recipe sets aside (``recipe={"calibration": 0.1}``), where it
        holds strictly, or else on those that chose the epoch.

        Args:
            path: Path of the file, ending in `.onnx`.
            max_error: Largest share of errors among the digits that are not marked unsure, in
                (0, 1).
            overwrite: Whether existing files are replaced.

        Raises:
            ValueError: If classes or features are not those of digit images, no rows were held
                back, or the file would predict differently from the network.
        """
        from inkfast.estimator.onnx_file import write_onnx  # imports what training does without

        check_is_fitted(self)
        write_onnx(self, Path(path), max_error, overwrite=overwrite)

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

    def _validation(self, given: tuple[ArrayLike, ArrayLike]) -> Digits:
        """Return rows and labels that were given to choose the epoch."""
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise InkfastError(
                f"`validation` must be a pair of rows and labels, got {short_repr(given)}."
            )
        rows = validate_data(self, _flat(given[0]), reset=False)
        labels = column_or_1d(given[1])
        check_consistent_length(rows, labels)
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise InkfastError(
                f"`validation` must have labels that y has, got {short_repr(unknown.tolist())}."
            )
        codes = np.searchsorted(self.classes_, labels).astype(np.int64)
        return Digits(self.features_.to_images(rows), codes, "validation rows")

    def _describe_history(self) -> None:
        self.n_iter_ = len(self.trained_.history)
        known = self.n_validation_ > 0
        self.history_ = [_epoch_figures(epoch, known) for epoch in self.trained_.history]

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
        if not isinstance(self.recipe, Mapping | None):
            raise InkfastError(
                f"`recipe` must be a mapping of recipe keys, got {short_repr(self.recipe)}."
            )
        check_choice("train_noise", self.train_noise, TRAIN_NOISE)
        threads = _to_python(self.threads)
        check_number("threads", threads, low=0, high=1024, whole=True)
        architecture = self._architecture()
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

    def _architecture(self) -> Architecture:
        if isinstance(self.model, str):
            return models.build_digit_model(self.model)
        if not isinstance(self.model, torch.nn.Module) and not callable(self.model):
            raise InkfastError(
                "`model` must be text such as 'cnn', a torch.nn.Module or a function that returns "
                f"one, got {short_repr(self.model)}."
            )
        return OwnNetwork(given=self.model)

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


def _count_validation(fit_spec: FitSpec, given: Digits | None) -> int:
    """Return the number of rows that choose the epoch and do not train; 0 if there are none."""
    if given is not None:
        return len(given)
    if fit_spec.validation is not None:  # the training rows
        return 0
    return len(split_validation(fit_spec.digits, fit_spec.recipe, fit_spec.seed)[1])


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
