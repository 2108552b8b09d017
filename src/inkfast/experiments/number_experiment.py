"""`NumberExperiment`: the training of a network that reads numbers, from a TOML file or flags."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkfast import data
from inkfast.core.errors import InkfastError, check_number, short_repr, unknown_name
from inkfast.core.plugins import check_installed
from inkfast.execution import SERIAL, Executor, Observer
from inkfast.experiments.config import check_experiment_name, check_start_from
from inkfast.experiments.run_folder import FITS, STRIPS
from inkfast.models import MODELS, NumberArchitecture, build_model
from inkfast.training.checkpoint import remove_checkpoints
from inkfast.training.number_loop import NumberFitSpec, fit_numbers
from inkfast.training.number_model import NumberEpoch, TrainedNumberNetwork
from inkfast.training.number_recipe import NumberRecipe, parse_rasters, resolve_number_recipe
from inkfast.training.number_shards import (
    CALIBRATION,
    TRAINING,
    VALIDATION,
    Composition,
    LabelledStrips,
    compose_shards,
    load_shard,
    shard_path,
)
from inkfast.training.number_sources import HandSources
from inkfast.training.trained_model import MODEL_FILE

_KEYS = ("name", "models", "recipe", "seed", "threads", "start_from", "out", "requires")


@dataclass(frozen=True, kw_only=True)
class NumberExperiment:
    """The training of one network, with every default filled in.

    Attributes:
        name: Name of the run folder.
        architecture: The network.
        recipe: How to train it.
        seed: Seed of strips, weights, order and noise.
        threads: Number of torch threads; 0 chooses by timing.
        start_from: Folder of a finished run with the same architecture, whose weights are the
            first ones, or several joined by commas, for the mean of theirs; "" for random weights.
    """

    name: str
    architecture: NumberArchitecture
    recipe: NumberRecipe
    seed: int = 0
    threads: int = 0
    start_from: str = ""

    def to_toml(self) -> str:
        """Return the experiment as TOML, from which `number_experiment` makes an equal one."""
        import tomli_w

        packages = {MODELS.package_of(self.architecture)}
        packages |= {data.package_of(name) for name in parse_rasters(self.recipe.rasters)}
        required = sorted(package for package in packages if package)
        model = {
            "name": self.architecture.name,
            "model": str(self.architecture),
            **dataclasses.asdict(self.recipe),
        }
        return tomli_w.dumps({
            "name": self.name,
            "seed": self.seed,
            "threads": self.threads,
            **({"start_from": self.start_from} if self.start_from else {}),
            **({"requires": required} if required else {}),
            "models": [model],
        })  # fmt: skip


def is_number_model(settings: Mapping[str, Any]) -> bool:
    """Return whether the only model of some settings reads numbers."""
    listed = settings.get("models")
    if not isinstance(listed, list) or len(listed) != 1:
        return False
    model = listed[0].get("model") if isinstance(listed[0], Mapping) else listed[0]
    name = model.partition("(")[0].strip() if isinstance(model, str) else ""
    return name in MODELS and issubclass(MODELS[name], NumberArchitecture)


def number_experiment(settings: Mapping[str, Any]) -> NumberExperiment:
    """Return the experiment of some settings, with every default filled in.

    Args:
        settings: ``name``, ``seed``, ``threads``, ``models`` with one model, ``recipe`` with keys
            of `NumberRecipe`, ``start_from``, a run folder, and ``out``, the run folder, which is
            not part of the experiment.

    Raises:
        InkfastError: If keys are unknown or values not allowed.
    """
    for key in settings:
        if key not in _KEYS:
            error = unknown_name("key", key, _KEYS)
            raise InkfastError(f"{error} A model that reads numbers has no other settings.")
    check_installed(settings.get("requires", []), "the recipe")
    common = settings.get("recipe", {})
    if not isinstance(common, Mapping):
        raise InkfastError(f"`recipe` must be a table, got {short_repr(common)}.")
    (listed,) = settings["models"]
    own = dict(listed) if isinstance(listed, Mapping) else {"model": listed}
    architecture = build_model(own.pop("model"))
    own.pop("name", None)
    assert isinstance(architecture, NumberArchitecture)  # noqa: S101 - see `is_number_model`
    experiment = NumberExperiment(
        name=settings.get("name", architecture.name),
        architecture=architecture,
        recipe=resolve_number_recipe(architecture.recipe, common, own),
        seed=settings.get("seed", 0),
        threads=settings.get("threads", 0),
        start_from=settings.get("start_from", ""),
    )
    check_experiment_name(experiment.name)
    check_number("seed", experiment.seed, low=0, high=2**31, whole=True)
    check_number("threads", experiment.threads, low=0, high=1024, whole=True)
    check_start_from(experiment.start_from)
    return experiment


def number_fit_folder(out: Path, experiment: NumberExperiment) -> Path:
    """Return the folder of the run's network."""
    return out / FITS / f"{experiment.architecture.name}-seed{experiment.seed}"


def number_strips(out: Path, purpose: str) -> LabelledStrips:
    """Return the run's strips for validation or calibration."""
    return load_shard(shard_path(out / STRIPS / purpose, 0))


def run_number_experiment(
    experiment: NumberExperiment,
    hands: HandSources,
    out: Path,
    observer: Observer[NumberEpoch],
    executor: Executor = SERIAL,
    start: TrainedNumberNetwork | None = None,
) -> TrainedNumberNetwork:
    """Compose the strips and train the network; what is finished in `out` is not done again.

    Args:
        experiment: The experiment.
        hands: What strips are composed of.
        out: The run folder.
        observer: Called at the start of the fit.
        executor: Where strips are composed; the network is trained in this process.
        start: The network of `NumberExperiment.start_from`.

    Raises:
        DivergedError: If the loss becomes NaN or infinite.
    """
    folder, callback = number_fit_folder(out, experiment), observer(experiment.name, 1, 1)
    if (folder / MODEL_FILE).is_file():
        trained = TrainedNumberNetwork.load(folder)
        callback.on_message("already trained")
    else:
        _compose(experiment, hands, out, callback.on_message, executor)
        spec = NumberFitSpec(
            architecture=experiment.architecture,
            recipe=experiment.recipe,
            shards=out / STRIPS / TRAINING,
            validation=number_strips(out, VALIDATION),
            seed=experiment.seed,
            threads=experiment.threads,
            start=start,
        )
        trained = fit_numbers(spec, folder / "checkpoints", callback)
        trained.save(folder)
    remove_checkpoints(folder / "checkpoints")
    return trained


def _compose(
    experiment: NumberExperiment,
    hands: HandSources,
    out: Path,
    say: Callable[[str], None],
    executor: Executor,
) -> None:
    """Compose all strips of a run that are not there yet."""
    recipe = experiment.recipe

    def progress(done: int, total: int) -> None:
        if done % 10 == 0 or done == total:
            say(f"composed {done:,} of {total:,} shards of {recipe.shard_strips:,} strips")

    for purpose, strips in (
        (VALIDATION, recipe.validation_strips),
        (CALIBRATION, recipe.calibration_strips),
    ):
        held_out = Composition(hands.left_out, strips, experiment.seed, purpose)
        compose_shards(out / STRIPS / purpose, held_out, 1)
    training = Composition(hands.training, recipe.shard_strips, experiment.seed, TRAINING)
    compose_shards(out / STRIPS / TRAINING, training, recipe.shards, executor, progress)
