"""`StartingPoint`: a trained network of digits that another training begins with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkfast import noise
from inkfast.core.errors import InkfastError
from inkfast.experiments import run_folder
from inkfast.experiments.config import Experiment
from inkfast.experiments.dataset import ExperimentData
from inkfast.inference.reader import model_path, shipped_names
from inkfast.models import Network
from inkfast.training import Recipe, resolve_recipe
from inkfast.training.balancing import SYNTHETIC
from inkfast.training.onnx_weights import read_onnx_weights
from inkfast.training.recipe import upgrade_keys
from inkfast.training.starting_weights import StartingWeights

# what decides which rows of a data source train
_SPLIT = ("validation", "calibration", "validation_rows")


@dataclass(frozen=True, eq=False)
class StartingPoint:
    """A trained network, and how it was trained.

    Attributes:
        name: The run folder, file or name of a shipped network.
        architecture: Its architecture.
        weights: Its weights.
        recipe: Its recipe.
        noise: Noise that it was trained for.
        train_noise: How the noise took part in training.
        seed: Seed of its split into training and other rows.
        digits: SHA-256 of the digits of its data source, "" if it is not known.
        test: SHA-256 of its test digits, likewise.
    """

    name: str
    architecture: Network
    weights: StartingWeights
    recipe: Recipe
    noise: str
    train_noise: str
    seed: int
    digits: str
    test: str

    def settings(self) -> dict[str, Any]:
        """Return the settings of an experiment that goes on as the network was trained."""
        model = {
            "name": self.architecture.name,
            "model": str(self.architecture),
            **dataclasses.asdict(self.recipe),
        }
        return {"models": [model], "noise": self.noise, "train_noise": self.train_noise}

    def check(self, experiment: Experiment, dataset: ExperimentData) -> None:
        """Raise unless an experiment can begin with the network.

        Raises:
            InkfastError: If a model has another architecture; or if rows that test, validate or
                calibrate would be among those that trained the network.
        """
        for model_spec in experiment.models:
            if model_spec.architecture != self.architecture:
                raise InkfastError(
                    f"--start-from {self.name}: expected a network of the same architecture, "
                    f"{model_spec.architecture}, got {self.architecture}."
                )
        if self.digits == dataset.whole:
            self._check_split(experiment, dataset)

    def _check_split(self, experiment: Experiment, dataset: ExperimentData) -> None:
        own = {key: getattr(self.recipe, key) for key in _SPLIT}
        same = all(
            {key: getattr(model_spec.recipe, key) for key in _SPLIT} == own
            for model_spec in experiment.models
        )
        test = not self.test or self.test == dataset.clean.fingerprint
        if (experiment.seed, experiment.seeds) != (self.seed, 1) or not same or not test:
            shares = " ".join(f"--set {key}={value}" for key, value in own.items())
            raise InkfastError(
                f"--start-from {self.name} was trained on these digits: expected the same split, "
                "so that rows which test or validate stay unseen. Give other digits, or --seed "
                f"{self.seed} {shares} and its test fraction."
            )


def load_starting_point(name: str) -> StartingPoint:
    """Open a shipped network, an ONNX file that inkfast exported, or the best network of a run.

    Raises:
        InkfastError: If there is none, or its weights cannot be used.
    """
    if name in shipped_names() or name.lower().endswith(".onnx"):
        return _file_start(name)
    path = Path(name)
    if not path.is_dir():
        raise InkfastError(
            f"--start-from {name}: expected a run folder, an .onnx file or a shipped network "
            f"({', '.join(shipped_names())})."
        )
    return _run_start(path)


def _file_start(name: str) -> StartingPoint:
    architecture, weights, about = read_onnx_weights(model_path(name))
    recipe = resolve_recipe(upgrade_keys(about["recipe"]))
    text = _noise_without_augmentation(str(about.get("training_noise", "none")), recipe)
    return StartingPoint(
        name, architecture, weights, recipe, text, "fresh", int(about.get("seed", 0)),
        str(about.get("digits", "")), "",
    )  # fmt: skip


def _noise_without_augmentation(text: str, recipe: Recipe) -> str:
    """Return the noise of a file's metadata, where the recipe's augmentation stands before it."""
    augment = len([*noise.build_noise(recipe.augment)])
    augment += bool(recipe.synthetic or recipe.balance in SYNTHETIC)  # noted as elastic
    return " + ".join(str(one) for one in [*noise.build_noise(text)][augment:]) or "none"


def _run_start(run: Path) -> StartingPoint:
    experiment, trained = run_folder.load_models(run)
    networks = [model for _, model in trained if isinstance(model.architecture, Network)]
    if not networks:
        raise InkfastError(
            f"no model of {run} is a network: expected a run with one to start from."
        )
    best = max(networks, key=lambda model: model.best.validation_accuracy)
    assert isinstance(best.architecture, Network)  # noqa: S101 - chosen so
    recipes = [*best.earlier, dataclasses.asdict(best.recipe)]
    identity = run_folder.load_identity(run)
    return StartingPoint(
        str(run), best.architecture, StartingWeights.of_module(best.model, recipes), best.recipe,
        experiment.noise, experiment.train_noise, best.seed, str(identity.get("whole", "")),
        str(identity.get("test", "")),
    )  # fmt: skip
