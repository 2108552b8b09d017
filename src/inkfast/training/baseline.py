"""`fit_baseline`: fits an estimator of scikit-learn to the rows a network would be trained on.

An estimator is fitted in one go, so there is nothing to resume: noise and augmentation are drawn
once for every copy of the rows, and the history has one epoch.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Labels
from inkfast.core.errors import InkfastError
from inkfast.core.pixels import to_unit
from inkfast.core.random import derive_seed
from inkfast.evaluation.calibration import fit_temperature
from inkfast.models import Architecture, Baseline, SklearnModule
from inkfast.noise import Chain, build_noise
from inkfast.noise.copies import noisy
from inkfast.training import hardware
from inkfast.training.batches import training_rows
from inkfast.training.fit_spec import Callback, FitSpec
from inkfast.training.recipe import Recipe
from inkfast.training.trained_model import Epoch, TrainedModel
from inkfast.training.validation import evaluate_model, validation_digits

_MAX_EVALUATED = 5_000  # most training rows that the fitted model is evaluated on


def check_recipe(architecture: Architecture, recipe: Recipe) -> None:
    """Raise if a model cannot be trained with a recipe.

    Raises:
        InkfastError: If the recipe weights classes and the estimator takes no sample weights.
    """
    weighs = not isinstance(architecture, Baseline) or architecture.weighs
    if recipe.class_weights == "balanced" and not weighs:
        raise InkfastError(
            f"class_weights='balanced' does not work with {architecture.name}, which takes no "
            "sample weights. Take balance='over' or 'under', or leave it out."
        )


def fit_baseline(fit_spec: FitSpec, callback: Callback) -> TrainedModel:
    """Fit a baseline.

    Args:
        fit_spec: What to fit; its architecture is a `Baseline`, and 0 threads mean 1.
        callback: Called with the one epoch, and if the estimator has not converged.

    Raises:
        InkfastError: If the estimator cannot be fitted to these rows.
    """
    baseline = fit_spec.architecture
    assert isinstance(baseline, Baseline)  # noqa: S101 - `fit` calls for no other
    check_recipe(baseline, fit_spec.recipe)
    whole = fit_spec.validation is not None
    given, even = training_rows(fit_spec.digits, fit_spec.recipe, fit_spec.seed, whole=whole)
    seen = _corrupt_copies(even, fit_spec, baseline.copies)
    validation = validation_digits(fit_spec)
    threads = fit_spec.threads or 1
    start = time.perf_counter()
    with hardware.library_threads(threads):
        estimator = _fit_estimator(baseline, seen, fit_spec, callback)
        temperature = (
            _scores_temperature(baseline, estimator, validation) if baseline.scores else 1.0
        )
        model = SklearnModule(baseline, estimator, temperature)
        loss, accuracy = _evaluate_unit(model, _evenly_spaced(seen))
        validated = _evaluate_unit(model, validation)
    seconds = time.perf_counter() - start
    epoch = Epoch(
        number=1,
        loss=loss,
        accuracy=accuracy,
        validation_loss=validated[0],
        validation_accuracy=validated[1],
        learning_rate=0.0,
        seconds=seconds,
    )
    callback.on_progress(1.0)
    callback.on_epoch_end(epoch)
    callback.should_stop(epoch)  # the fit ends anyway; worker processes send the epoch with it
    return TrainedModel(
        model=model.eval(),
        architecture=fit_spec.architecture,
        recipe=fit_spec.recipe,
        seed=fit_spec.seed,
        history=[epoch],
        best_epoch=1,
        train_seconds=seconds,
        threads=threads,
        precision="fp32",
        class_counts={"given": given.class_counts(), "trained_on": even.class_counts()},
        machine=hardware.describe_machine(),
    )


def _corrupt_copies(rows: Digits, fit_spec: FitSpec, copies: int) -> Digits:
    """Return the rows under augmentation and noise, in the order used for networks."""
    noise, augment = fit_spec.training_noise, build_noise(fit_spec.recipe.augment)
    fresh = fit_spec.train_noise == "fresh"
    if not fresh:
        rows = noisy(rows, noise, derive_seed(fit_spec.seed, "training noise"))
    drawn = Chain((*augment, *(noise if fresh else ())), f"{augment.name} + {noise.name}")
    if not drawn:
        return rows
    made = [noisy(rows, drawn, derive_seed(fit_spec.seed, "copy", copy)) for copy in range(copies)]
    images = np.concatenate([digits.images for digits in made])
    return Digits(images, np.tile(rows.known_labels, copies), made[0].name)


def _fit_estimator(baseline: Baseline, seen: Digits, fit_spec: FitSpec, callback: Callback) -> Any:
    """Fit the estimator and pass on the warnings of scikit-learn."""
    estimator = baseline.estimator(derive_seed(fit_spec.seed, "estimator"), fit_spec.threads or 1)
    labels = seen.known_labels
    weights = (
        {"sample_weight": _balanced_weights(labels)}
        if fit_spec.recipe.class_weights == "balanced"
        else {}
    )
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            estimator.fit(_unit_pixels(seen), labels, **weights)
    except ValueError as error:
        raise InkfastError(
            f"{baseline.name} cannot be fitted to these rows: {str(error).splitlines()[0]}"
        ) from None
    for warning in warned:
        callback.on_message(_warning_text(warning))
    baseline.clean(estimator)
    return estimator


def _warning_text(warning: warnings.WarningMessage) -> str:
    from sklearn.exceptions import ConvergenceWarning

    if issubclass(warning.category, ConvergenceWarning):
        return "stopped at max_iter before it converged; more iterations may raise its accuracy"
    return str(warning.message).splitlines()[0]


def _balanced_weights(labels: Labels) -> NDArray[np.float64]:
    from sklearn.utils.class_weight import compute_sample_weight

    return np.asarray(compute_sample_weight("balanced", labels))


def _scores_temperature(baseline: Baseline, estimator: Any, validation: Digits) -> float:
    """Return the temperature of an estimator's scores; 1 if no validation label was trained on."""
    known = np.isin(validation.known_labels, estimator.classes_)
    if not known.any():
        return 1.0
    logits = baseline.logits(estimator, _unit_pixels(validation)[known])
    columns = np.searchsorted(estimator.classes_, validation.known_labels[known])
    return fit_temperature(logits, columns)


def _unit_pixels(digits: Digits) -> NDArray[np.float32]:
    return np.asarray(to_unit(torch.tensor(digits.images)).flatten(1).numpy())


def _evenly_spaced(digits: Digits) -> Digits:
    """Return evenly spaced rows, so that every class and every copy is among them."""
    rows = (
        np.linspace(0, len(digits) - 1, min(len(digits), _MAX_EVALUATED)).round().astype(np.int64)
    )
    return digits.pick(rows, digits.name)


def _evaluate_unit(model: SklearnModule, digits: Digits) -> tuple[float, float]:
    images, labels = torch.tensor(digits.images), torch.tensor(digits.known_labels)
    return evaluate_model(model, images, labels, "fp32")
