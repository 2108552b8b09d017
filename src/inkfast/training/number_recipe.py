"""`NumberRecipe`: how a network that reads numbers is trained, with the limits of every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inkfast.core.errors import InkfastError, check_choice, check_number, short_repr
from inkfast.training.recipe import check_all, resolve_keys

OPTIMISERS = ("adam", "adamw", "sgd", "rmsprop", "muon")


@dataclass(frozen=True, kw_only=True)
class NumberRecipe:
    """How one network is trained with CTC on composed strips; TOML has the same keys.

    Strips are composed once, before training, and stored in shards: files of `shard_strips` each.

    Attributes:
        shards: Number of shards to train on.
        shard_strips: Number of strips in a shard.
        strokes: Pen strokes that strips are composed of: unipen, or drawn (by a program; needs no
            download).
        rasters: Data sources of images of digits that strips are composed of beside pen strokes,
            each with its share, e.g. ``mnist=0.85, optdigits=0.15``; "" for pen strokes alone.
        validation_strips: Number of strips to choose the epoch on. Their writers, and a twelfth of
            the rasters, are left out of the training strips.
        calibration_strips: Number of strips that `export` calibrates on, of the same writers.
        epochs: Number of epochs, each ending with validation and a checkpoint.
        epoch_shards: Number of shards in an epoch; all shards have their turn before one is
            repeated.
        batch_size: Largest number of strips in a step.
        batch_columns: Largest number of columns in a step: wide strips come in smaller batches.
        optimiser: adam, adamw, sgd, rmsprop or muon, see `inkfast.training.recipe.Recipe`.
        learning_rate: Peak of the schedule, which rises and falls as half a cosine.
        warmup: Share of the steps in which the learning rate rises.
        weight_decay: Decay of weight matrices, decoupled for adamw and muon, L2 for the others;
            when not given, 0.01 for adamw and muon and 0 for the others.
        momentum: Momentum of sgd and muon (both Nesterov) and of rmsprop; when not given, 0.95
            for muon and 0 for the others.
        rho: Decay of rmsprop's mean of squared gradients.
        epsilon: Added to the denominator by adam, adamw, rmsprop and muon's AdamW.
        clip: Largest norm of the gradient of all weights together.
        ema: Decay per step of the exponential moving average of the weights, which is validated
            and kept; it is lower in the first steps. 0 for none.
        noise: Largest standard deviation of the Gaussian noise added to half of the strips, in
            standard deviations of the strip.
        precision: bf16 autocast, fp32, or auto (bf16 where the processor is fast at it).
    """

    shards: int = 80
    shard_strips: int = 5000
    strokes: str = "unipen"
    rasters: str = "mnist=1"
    validation_strips: int = 3000
    calibration_strips: int = 5000
    epochs: int = 30
    epoch_shards: int = 12
    batch_size: int = 64
    batch_columns: int = 12_800
    optimiser: str = "adamw"
    learning_rate: float = 3e-3
    warmup: float = 0.03
    weight_decay: float = 0.0
    momentum: float = 0.0
    rho: float = 0.99
    epsilon: float = 1e-8
    clip: float = 2.0
    ema: float = 0.9995
    noise: float = 0.25
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_all(_CHECKS, self)


# One line per key; all faults are reported together.
_CHECKS = (
    lambda r: check_number("shards", r.shards, low=1, high=9999, whole=True),
    lambda r: check_number("shard_strips", r.shard_strips, low=8, high=100_000, whole=True),
    lambda r: check_choice("strokes", r.strokes, ("unipen", "drawn")),
    lambda r: parse_rasters(r.rasters),
    lambda r: check_number("validation_strips", r.validation_strips, low=1, high=10**6, whole=True),
    lambda r: check_number(
        "calibration_strips", r.calibration_strips, low=1, high=10**6, whole=True
    ),
    lambda r: check_number("epochs", r.epochs, low=1, high=100_000, whole=True),
    lambda r: check_number("epoch_shards", r.epoch_shards, low=1, high=9999, whole=True),
    lambda r: check_number("batch_size", r.batch_size, low=2, high=10_000, whole=True),
    lambda r: check_number("batch_columns", r.batch_columns, low=1000, high=10**8, whole=True),
    lambda r: check_choice("optimiser", r.optimiser, OPTIMISERS),
    lambda r: check_number("learning_rate", r.learning_rate, above=0, high=100),
    lambda r: check_number("warmup", r.warmup, low=0, high=0.99),
    lambda r: check_number("weight_decay", r.weight_decay, low=0, high=10),
    lambda r: check_number("momentum", r.momentum, low=0, high=0.9999),
    lambda r: check_number("rho", r.rho, low=0, high=0.999999),
    lambda r: check_number("epsilon", r.epsilon, above=0, high=1),
    lambda r: check_number("clip", r.clip, above=0, high=10**6),
    lambda r: check_number("ema", r.ema, low=0, high=0.999999),
    lambda r: check_number("noise", r.noise, low=0, high=10),
    lambda r: check_choice("precision", r.precision, ("auto", "bf16", "fp32")),
)


def resolve_number_recipe(*layers: Mapping[str, Any]) -> NumberRecipe:
    """Return the recipe of several layers of settings; later layers override earlier ones.

    Raises:
        InkfastError: If keys are unknown or values not allowed; the message names all of them.
    """
    return resolve_keys(NumberRecipe, *layers)


def parse_rasters(text: str) -> dict[str, float]:
    """Parse ``mnist=0.85, optdigits=0.15`` into the share of each data source.

    Raises:
        InkfastError: If the text has another form.
    """
    shares: dict[str, float] = {}
    if text == "":
        return shares
    for pair in text.split(",") if isinstance(text, str) else [""]:
        source, _, number = pair.rpartition("=")
        try:
            share = float(number)
        except ValueError:
            share = 0.0
        if not source.strip() or source.strip() in shares or not 0 < share <= 1:
            raise InkfastError(
                "`rasters` must be source=share pairs with shares above 0 and up to 1, e.g. "
                f"'mnist=0.85, optdigits=0.15', got {short_repr(text)}."
            )
        shares[source.strip()] = share
    return shares
