"""`Recipe`: how a model is trained, every key with its unit and limits."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from inkfast import noise
from inkfast.core.errors import InkfastError, check_choice, check_number, unknown_name
from inkfast.training.balancing import METHODS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    AnyRecipe = TypeVar("AnyRecipe", bound=DataclassInstance)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is trained; TOML has the same keys.

    Attributes:
        epochs: Largest number of passes over the training rows.
        min_epoch_images: Least number of images of an epoch; a smaller training set is repeated, so
            that 1,300 digits under fresh noise get enough steps.
        batch_size: Number of images in a step.
        optimiser: adam, adamw, sgd, rmsprop or muon (Jordan and others, 2024; AdamW for biases and
            normalisation). Muon orthogonalises every step: fewer epochs for convolutions, but slow
            for wide dense layers.
        learning_rate: Peak of the schedule.
        weight_decay: Decay of weight matrices, decoupled for adamw and muon, L2 for the others;
            when not given, 0.01 for adamw and muon and 0 for the others.
        momentum: Momentum of sgd and muon (both Nesterov) and of rmsprop; when not given, 0.95
            for muon and 0 for the others.
        rho: Decay of rmsprop's mean of squared gradients.
        epsilon: Added to the denominator by adam, adamw, rmsprop and muon's AdamW.
        schedule: onecycle (cosine up to the peak, then down to zero), plateau (multiplied by
            `plateau_factor` after `plateau_patience` epochs without a lower validation loss) or
            constant.
        warmup: Share of the steps in which onecycle rises.
        plateau_factor: See `schedule`.
        plateau_patience: See `schedule`.
        min_learning_rate: Lower bound of plateau.
        label_smoothing: Share of each target that is spread over all ten classes. It raises
            accuracy under strong noise and lowers confidence, until `export` calibrates it.
        class_weights: none or balanced (loss weighted by the inverse class frequency).
        balance: Balancing of the classes in the training rows: none, over, under, smote,
            borderline-smote or adasyn.
        balance_neighbours: Number of nearest neighbours that SMOTE and its variants blend with.
        synthetic: Number of digits of `inkfast.synthetic.handwriting` added to the training rows;
            0 for none, else at least 10.
        outliers: Number of images of `inkfast.synthetic.non_digits` added to the training rows,
            with a uniform target.
        l2: Penalty l2 * sum(w^2) on convolution kernels, as Keras' kernel_regularizer.
        ema: Decay per step of the exponential moving average of the weights, which is validated
            and kept; 0 for none.
        augment: Noise chain drawn again for every batch, applied before fresh noise and after
            noise that was drawn once.
        validation: Share of the training rows cut off to choose the epoch on.
        calibration: Share of the training rows that neither train nor choose anything, so that a
            guarantee fitted on them holds strictly; 0 for none.
        validation_rows: stratified (the same share of every class) or last (of the rows in order).
        patience: Number of epochs without a better one after which training stops; 0 never stops.
        monitor: Validation metric that compares epochs: accuracy or loss.
        keep: Epoch that is kept: best or last.
        precision: bf16 autocast, fp32, or auto (bf16 where the processor is fast at it).
    """

    epochs: int = 10
    min_epoch_images: int = 10_000
    batch_size: int = 250
    optimiser: str = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    rho: float = 0.99
    epsilon: float = 1e-8
    schedule: str = "onecycle"
    warmup: float = 0.25
    plateau_factor: float = 0.5
    plateau_patience: int = 3
    min_learning_rate: float = 1e-5
    label_smoothing: float = 0.0
    class_weights: str = "none"
    balance: str = "none"
    balance_neighbours: int = 5
    synthetic: int = 0
    outliers: int = 0
    l2: float = 0.0
    ema: float = 0.0
    augment: str = "none"
    validation: float = 0.1
    calibration: float = 0.0
    validation_rows: str = "stratified"
    patience: int = 0
    monitor: str = "accuracy"
    keep: str = "best"
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_all(_CHECKS, self)


# Defaults of Keras 3 in `compile` and `fit`; its weights are drawn as by init='glorot'. Its plateau
# and early stopping monitor the loss and keep the last weights.
KERAS: Mapping[str, Any] = {
    "optimiser": "adam", "learning_rate": 1e-3, "epsilon": 1e-7, "rho": 0.9, "batch_size": 32,
    "schedule": "constant", "min_epoch_images": 0, "validation_rows": "last", "monitor": "loss",
    "keep": "last",
}  # fmt: skip

# One line per key; all faults are reported together.
_CHECKS = (
    lambda r: check_number("epochs", r.epochs, low=1, high=100_000, whole=True),
    lambda r: check_number("min_epoch_images", r.min_epoch_images, low=0, high=10**8, whole=True),
    lambda r: check_number("batch_size", r.batch_size, low=2, high=100_000, whole=True),
    lambda r: check_choice("optimiser", r.optimiser, ("adam", "adamw", "sgd", "rmsprop", "muon")),
    lambda r: check_number("learning_rate", r.learning_rate, above=0, high=100),
    lambda r: check_number("weight_decay", r.weight_decay, low=0, high=10),
    lambda r: check_number("momentum", r.momentum, low=0, high=0.9999),
    lambda r: check_number("rho", r.rho, low=0, high=0.999999),
    lambda r: check_number("epsilon", r.epsilon, above=0, high=1),
    lambda r: check_choice("schedule", r.schedule, ("onecycle", "plateau", "constant")),
    lambda r: check_number("warmup", r.warmup, low=0, high=0.99),
    lambda r: check_number("plateau_factor", r.plateau_factor, above=0, high=0.99),
    lambda r: check_number("plateau_patience", r.plateau_patience, low=0, whole=True),
    lambda r: check_number("min_learning_rate", r.min_learning_rate, low=0),
    lambda r: check_number("label_smoothing", r.label_smoothing, low=0, high=0.99),
    lambda r: check_choice("class_weights", r.class_weights, ("none", "balanced")),
    lambda r: check_choice("balance", r.balance, METHODS),
    lambda r: check_number(
        "balance_neighbours", r.balance_neighbours, low=1, high=1000, whole=True
    ),
    lambda r: check_number("synthetic", r.synthetic, low=0, high=10_000_000, whole=True),
    lambda r: check_number("synthetic", r.synthetic or 10, low=10),
    lambda r: check_number("outliers", r.outliers, low=0, high=10_000_000, whole=True),
    lambda r: check_number("l2", r.l2, low=0, high=100),
    lambda r: check_number("ema", r.ema, low=0, high=0.999999),
    lambda r: noise.build_noise(r.augment),
    lambda r: check_number("validation", r.validation, above=0, high=0.9),
    lambda r: check_number("calibration", r.calibration, low=0, high=0.9),
    lambda r: check_choice("validation_rows", r.validation_rows, ("stratified", "last")),
    lambda r: check_number("patience", r.patience, low=0, whole=True),
    lambda r: check_choice("monitor", r.monitor, ("accuracy", "loss")),
    lambda r: check_choice("keep", r.keep, ("best", "last")),
    lambda r: check_choice("precision", r.precision, ("auto", "bf16", "fp32")),
)


def check_all(checks: Iterable[Callable[[Any], object]], recipe: object) -> None:
    """Raise one `InkfastError` with the messages of all checks that a recipe fails."""
    faults = [fault for check in checks if (fault := _fault_of(check, recipe))]
    if faults:
        raise InkfastError(" ".join(faults))


def _fault_of(check: Callable[[Any], object], recipe: object) -> str:
    try:
        check(recipe)
    except InkfastError as error:
        return str(error)
    return ""


_RENAMED = {"written": "synthetic"}  # keys as older versions wrote them into run folders


def upgrade_keys(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings from a run folder of an older version as this version writes them."""
    renamed = {_RENAMED.get(key, key): value for key, value in settings.items()}
    noises = {key: _upgrade_noise(renamed[key]) for key in ("noise", "augment") if key in renamed}
    return renamed | noises


def _upgrade_noise(spec: Any) -> Any:
    """Return a noise spec in which MNIST-C's severities are called so, and not steps."""
    return (
        re.sub(r"(mnist-c-[\w-]+\()step=", r"\1severity=", spec) if isinstance(spec, str) else spec
    )


def resolve_recipe(*layers: Mapping[str, Any]) -> Recipe:
    """Return the recipe of several layers of settings; later layers override earlier ones.

    Raises:
        InkfastError: If keys are unknown or values not allowed; the message names all of them.
    """
    recipe = resolve_keys(Recipe, *layers)
    return dataclasses.replace(recipe, augment=noise.build_noise(recipe.augment).name)


def resolve_keys(kind: type[AnyRecipe], *layers: Mapping[str, Any]) -> AnyRecipe:
    """Return a recipe of some kind from several layers of settings, see `resolve_recipe`."""
    known = [field.name for field in dataclasses.fields(kind)]
    settings = {key: value for layer in layers for key, value in layer.items()}
    faults = [str(unknown_name("recipe key", key, known)) for key in settings if key not in known]
    settings = {key: value for key, value in settings.items() if key in known}
    if settings.get("optimiser", "adamw") in ("adamw", "muon"):
        settings.setdefault("weight_decay", 0.01)
    if settings.get("optimiser") == "muon":
        settings.setdefault("momentum", 0.95)
    recipe = None
    try:
        recipe = kind(**settings)
    except InkfastError as error:
        faults.append(str(error))
    if recipe is None or faults:
        raise InkfastError(" ".join(faults))
    return recipe
