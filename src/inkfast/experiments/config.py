"""`Experiment`: data, noise, models and recipe, from a TOML file or the flags of a command."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkfast import data, models, noise
from inkfast.core.digits import Digits
from inkfast.core.errors import (
    InkfastError,
    check_choice,
    check_flag,
    check_number,
    short_repr,
    unknown_name,
)
from inkfast.core.plugins import check_installed
from inkfast.core.registry import split_top_level
from inkfast.models import MODELS, Architecture
from inkfast.training import KERAS, TRAIN_NOISE, FitSpec, Recipe, check_recipe, resolve_recipe

_MAX_NAME, _MAX_SLUG = 200, 60  # characters of a model's name, and of its folder's name


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One model of a comparison.

    Attributes:
        name: Name in tables and figures.
        architecture: The model.
        recipe: Its recipe.
        published: Published accuracy of the same model, in (0, 1], shown beside the measured one.
    """

    name: str
    architecture: Architecture
    recipe: Recipe
    published: float | None = None

    @property
    def slug(self) -> str:
        """The name in a form for folders."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:_MAX_SLUG] or "model"


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A comparison of models with every default filled in.

    Attributes:
        name: Name of the run folder.
        data: Data source by name or path, see `inkfast.data.load`.
        noise: Noise of test and validation digits and, by `train_noise`, of training digits.
        train_noise: fresh (drawn again for every batch), once (one noisy copy) or none (train and
            validate on clean digits, test on noisy ones).
        imbalance: Share of a class that is kept in the training rows, e.g. ``3=0.05, 8=0.1``; test
            rows are not changed.
        models: Models that are compared.
        seeds: Number of fits of each model, each with another seed.
        seed: First seed; test rows and test noise depend on it only.
        folds: Number of folds of `inkfast validate`.
        repeats: Number of times that `inkfast validate` draws folds.
        test_fraction: Share of the digits that is cut off for testing if the source has no test
            part.
        pooled: Whether the test part of the source is pooled with the rest and a new one cut. Such
            results only compare with others obtained in the same way.
        threads: Number of torch threads of a fit; 0 chooses by timing.
        start_from: Run folder, ONNX file or shipped network of the same architecture, whose weights
            are the first ones of every fit; "" for random weights.
    """

    name: str = "compare"
    data: str = "auto"
    noise: str = "noisy-mnist"
    train_noise: str = "fresh"
    imbalance: str = ""
    models: tuple[ModelSpec, ...] = ()
    seeds: int = 1
    seed: int = 0
    folds: int = 5
    repeats: int = 1
    test_fraction: float = 0.2
    pooled: bool = False
    threads: int = 0
    start_from: str = ""

    def fit_spec(self, model_spec: ModelSpec, digits: Digits, seed: int) -> FitSpec:
        """Return the `FitSpec` of one of the models on some digits, from random weights."""
        return FitSpec(
            architecture=model_spec.architecture,
            recipe=model_spec.recipe,
            digits=digits,
            noise=noise.build_noise(self.noise),
            train_noise=self.train_noise,
            seed=seed,
            threads=self.threads,
        )

    def required_packages(self) -> list[str]:
        """Return the plug-in packages that the experiment needs, sorted."""
        specs = {self.noise, *(model_spec.recipe.augment for model_spec in self.models)}
        found = {data.package_of(self.data)}
        found |= {MODELS.package_of(model_spec.architecture) for model_spec in self.models}
        found |= {package for spec in specs for package in noise.build_noise(spec).packages()}
        return sorted(package for package in found if package)

    def to_toml(self) -> str:
        """Return the experiment as TOML, from which `from_settings` makes an equal one."""
        import tomli_w

        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        if packages := self.required_packages():
            settings["requires"] = packages
        settings["models"] = [
            {
                "name": model_spec.name,
                "model": str(model_spec.architecture),
                **({} if model_spec.published is None else {"published": model_spec.published}),
                **dataclasses.asdict(model_spec.recipe),
            }
            for model_spec in self.models
        ]
        return tomli_w.dumps(settings)


_KEYS = (*(field.name for field in dataclasses.fields(Experiment)), "recipe", "out", "requires")
DEFAULT_MODELS = ("mlp", "cnn")


def read_toml(path: Path) -> dict[str, Any]:
    """Return the settings of a recipe file.

    Raises:
        InkfastError: If it cannot be read, or is not TOML; the message has line and column.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InkfastError(f"cannot read the recipe {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InkfastError(f"{path}: expected a TOML file in UTF-8, got other bytes.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InkfastError(f"{path} is not valid TOML: {error}.") from None


def merge_settings(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay given settings over those of a file; recipe keys also over those of single models."""
    recipe = given.get("recipe", {})
    merged = {**settings, **given}
    if "tune" in given and isinstance(settings.get("tune"), dict):
        merged["tune"] = {**settings["tune"], **given["tune"]}
    common = settings.get("recipe", {})
    if recipe and isinstance(common, dict):
        merged["recipe"] = {**common, **recipe}
    if recipe and isinstance(merged.get("models"), list):
        merged["models"] = [
            {**item, **recipe} if isinstance(item, dict) else item for item in merged["models"]
        ]
    return merged


def from_settings(settings: Mapping[str, Any]) -> Experiment:
    """Return the experiment of some settings, with every default filled in.

    Args:
        settings: Keys of `Experiment`, ``recipe`` with recipe keys for all models, and ``out``, the
            run folder, which is not part of the experiment.
            A model is text such as ``mlp(hidden=[256])`` or a table with ``model``, optionally
            ``name``, ``published``, ``defaults`` ("inkfast", or "keras" to start from those of
            Keras), and recipe keys of its own.

    Raises:
        InkfastError: If keys are unknown or values not allowed; the message names all of them.
    """
    faults: list[str] = []
    given = dict(settings)
    for key in [key for key in given if key not in _KEYS]:
        faults.append(str(unknown_name("key", key, _KEYS)))
        del given[key]
    given.pop("out", None)
    check_installed(given.pop("requires", []), "the recipe")
    common = given.pop("recipe", {})
    if not isinstance(common, Mapping):
        faults.append(f"`recipe` must be a table, got {short_repr(common)}.")
        common = {}
    listed = given.pop("models", DEFAULT_MODELS)
    if isinstance(listed, str):
        listed = split_top_level(listed, ",")
    model_specs: list[ModelSpec] = []
    for item in listed if isinstance(listed, list | tuple) else [listed]:
        try:
            model_specs.append(_model_spec(item, common))
        except InkfastError as error:
            faults.append(str(error))
    experiment = Experiment(**given, models=_with_unique_names(model_specs))
    if not listed:
        faults.append('`models` must name at least one model, e.g. ["mlp", "cnn"].')
    faults += _faults(experiment)
    if faults:
        raise InkfastError(" ".join(dict.fromkeys(faults)))
    # resolved, so that a saved experiment keeps its meaning when a default changes
    return dataclasses.replace(experiment, noise=noise.build_noise(experiment.noise).name)


def _model_spec(item: Any, common: Mapping[str, Any]) -> ModelSpec:
    table = {"model": item} if isinstance(item, str) else item
    if not isinstance(table, Mapping) or not isinstance(table.get("model"), str):
        raise InkfastError(
            "`models` must list names such as 'cnn' or tables with a `model`, "
            f"got {short_repr(item)}."
        )
    own = dict(table)
    architecture = models.build_digit_model(own.pop("model"))
    name, published = own.pop("name", table["model"]), own.pop("published", None)
    defaults = own.pop("defaults", "inkfast")
    check_choice("defaults", defaults, ("inkfast", "keras"))
    if published is not None:
        check_number("published", published, above=0, high=1)
    recipe = resolve_recipe(architecture.recipe if defaults == "inkfast" else KERAS, common, own)
    check_recipe(architecture, recipe)
    if (
        not isinstance(name, str)
        or not 1 <= len(name.strip()) <= _MAX_NAME
        or not name.isprintable()
    ):
        raise InkfastError(
            f"`name` of a model must be 1 to {_MAX_NAME} characters, got {short_repr(name)}."
        )
    name = name.strip()
    return ModelSpec(name=name, architecture=architecture, recipe=recipe, published=published)


def _with_unique_names(model_specs: list[ModelSpec]) -> tuple[ModelSpec, ...]:
    """Number the names of models that would share a folder."""
    unique: list[ModelSpec] = []
    for model_spec in model_specs:
        taken = {other.slug for other in unique}
        name, number = model_spec.name, 2
        # a long folder name is cut off at its end, so the number goes in front
        long = len(model_spec.slug) > _MAX_SLUG - len("-123456789")
        while dataclasses.replace(model_spec, name=name).slug in taken:
            name = (
                f"{number}: {model_spec.name}"[:_MAX_NAME]
                if long
                else f"{model_spec.name} ({number})"
            )
            number += 1
        unique.append(dataclasses.replace(model_spec, name=name))
    return tuple(unique)


def _faults(experiment: Experiment) -> list[str]:
    e = experiment
    checks = (
        lambda: check_experiment_name(e.name),
        lambda: _check_text("data", e.data),
        lambda: _check_text("noise", e.noise),
        lambda: noise.build_noise(e.noise),
        lambda: parse_imbalance(e.imbalance),
        lambda: check_choice("train_noise", e.train_noise, TRAIN_NOISE),
        lambda: check_number("seeds", e.seeds, low=1, high=1000, whole=True),
        lambda: check_number("seed", e.seed, low=0, high=2**31, whole=True),
        lambda: check_number("folds", e.folds, low=2, high=1000, whole=True),
        lambda: check_number("repeats", e.repeats, low=1, high=1000, whole=True),
        lambda: check_number("test_fraction", e.test_fraction, above=0, high=0.9),
        lambda: check_flag("pooled", e.pooled),
        lambda: check_start_from(e.start_from),
        lambda: check_number("threads", e.threads, low=0, high=1024, whole=True),
    )
    faults = []
    for check in checks:
        try:
            check()
        except InkfastError as error:
            faults.append(str(error))
    return faults


def parse_imbalance(text: str) -> dict[int, float]:
    """Parse ``3=0.05, 8=0.1`` into the share of each class that is kept.

    Raises:
        InkfastError: If the text has another form.
    """
    shares: dict[int, float] = {}
    if text == "":
        return shares
    for pair in text.split(",") if isinstance(text, str) else [""]:
        match = re.fullmatch(r"\s*([0-9])\s*=\s*([0-9]*\.?[0-9]+)\s*", pair)
        if match is None or int(match[1]) in shares or not 0 < float(match[2]) <= 1:
            raise InkfastError(
                "`imbalance` must be digit=share pairs with shares above 0 and up to 1, "
                f"e.g. '3=0.05, 8=0.1', got {short_repr(text)}."
            )
        shares[int(match[1])] = float(match[2])
    return shares


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise InkfastError(f"`{name}` must be text, got {short_repr(value)}.")


def check_start_from(value: object) -> None:
    """Raise `InkfastError` unless a value can name a trained network; "" names none."""
    if not isinstance(value, str) or not (value == "" or value.isprintable()):
        raise InkfastError(
            "`start_from` must be a run folder, an .onnx file or a shipped network, got "
            f"{short_repr(value)}."
        )


def check_random_start(experiment: Experiment) -> None:
    """Raise `InkfastError` if fits on parts of the digits would begin with a trained network."""
    if experiment.start_from:
        raise InkfastError(
            "`start_from` is for train and compare: rows that are held out here may have trained "
            f"{experiment.start_from}."
        )


def check_experiment_name(value: object) -> None:
    """Raise `InkfastError` unless a value can be the name of an experiment."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.-]{1,80}", value) or value[0] == ".":
        raise InkfastError(
            f"`name` must be 1 to 80 letters, digits, dots or dashes, got {short_repr(value)}."
        )
