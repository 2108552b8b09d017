"""`TrainedModel`: a model with its description and history, saved without pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn

from inkfast import models
from inkfast.core.digits import CLASSES, Digits
from inkfast.core.errors import InkfastError, check_choice, check_number, short_repr
from inkfast.core.io import read_json, sha256, write_bytes, write_json
from inkfast.core.pixels import to_unit
from inkfast.core.plugins import check_installed
from inkfast.models import Architecture
from inkfast.training.recipe import Recipe, resolve_recipe, upgrade_keys

PRECISIONS = ("bf16", "fp32")
WEIGHTS_FILE, MODEL_FILE = "model.safetensors", "model.json"  # the latter is written last


Trained = TypeVar("Trained")


@dataclass(frozen=True, kw_only=True)
class EpochRecord:
    """Metrics of one epoch; all fields of subclasses are numbers.

    Attributes:
        number: From 1.
        loss: Mean training loss over the epoch, with noise, dropout and label smoothing.
        validation_loss: Loss on the validation rows after the epoch, in nats.
        validation_accuracy: Accuracy on the validation rows after the epoch, in [0, 1].
        learning_rate: Learning rate of the last step.
        seconds: Time of training and validation since the start.
    """

    number: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float

    @classmethod
    def read(cls, values: Any) -> Self:
        """Return an epoch from its JSON.

        Raises:
            InkfastError: If one of its values is not a number in its range.
            TypeError: If it has other keys.
        """
        epoch = cls(**values)
        for name, value in vars(epoch).items():
            check_number(name, value, high=1 if name.endswith("accuracy") else float("inf"))
        return epoch

    @classmethod
    def read_all(cls, values: Any) -> list[Self]:
        """Return all epochs of a fit in order, see `read`."""
        history = [cls.read(epoch) for epoch in values]
        if [epoch.number for epoch in history] != list(range(1, len(history) + 1)):
            raise InkfastError("its epochs are not numbered from 1")
        return history


@dataclass(frozen=True, kw_only=True)
class Epoch(EpochRecord):
    """Metrics of one epoch of a classifier.

    Attributes:
        accuracy: Training accuracy over the epoch, in [0, 1], under the conditions of its loss.
    """

    accuracy: float

    def merit(self, monitor: str) -> tuple[float, float]:
        """Return the values by which epochs are compared; larger is better."""
        if monitor == "loss":
            return (-self.validation_loss, self.validation_accuracy)
        return (self.validation_accuracy, -self.validation_loss)


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A trained model, in evaluation mode on the CPU, and how it was trained.

    Attributes:
        earlier: Recipes of the trainings whose weights this one began with, the first one first.
    """

    model: nn.Module
    architecture: Architecture
    recipe: Recipe
    seed: int
    history: list[Epoch]
    best_epoch: int
    train_seconds: float
    threads: int
    precision: str
    class_counts: dict[str, list[int]]  # "given" and, after balancing, "trained_on"
    machine: dict[str, str | int]
    earlier: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best(self) -> Epoch:
        """The epoch whose weights the model has."""
        return self.history[self.best_epoch - 1]

    def probabilities(self, digits: Digits) -> NDArray[np.float64]:
        """Return class probabilities, float64 ``(n, 10)``, computed in fp32; rows sum to 1."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(digits), 1000):
                images = to_unit(torch.tensor(digits.images[start : start + 1000]))[:, None]
                found.append(self.model(images).double().softmax(1))
        return np.asarray(torch.cat(found).numpy())

    def describe(self) -> dict[str, Any]:
        """Return everything but the weights as JSON, see `from_description`."""
        return {
            **describe_architecture(self.architecture),
            "recipe": dataclasses.asdict(self.recipe),
            **{key: getattr(self, key) for key in _PLAIN_KEYS},
            "history": [vars(epoch) for epoch in self.history],
            "earlier": self.earlier,
        }

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``, then ``model.json`` with its SHA-256."""
        save_model(folder, self.model, self.describe())

    @classmethod
    def load(cls, folder: Path) -> TrainedModel:
        """Load a saved model; the SHA-256 of the weights is checked before they are parsed.

        Raises:
            InkfastError: If a file is missing, damaged or was changed.
        """
        return load_model(folder, cls._from)

    @classmethod
    def _from(cls, described: dict[str, Any], content: bytes) -> TrainedModel:
        architecture = models.build_digit_model(described["architecture"])
        module = restore_module(architecture, safetensors.torch.load(content))
        return cls.from_description(described, architecture, module)

    @classmethod
    def from_description(
        cls, described: dict[str, Any], architecture: Architecture, module: nn.Module
    ) -> TrainedModel:
        """Return a model from what `describe` returned, with its module in evaluation mode.

        Raises:
            InkfastError: If a value is not one that `describe` returns.
        """
        history = Epoch.read_all(described["history"])
        _check_plain(described, len(history))
        return cls(
            model=module,
            architecture=architecture,
            recipe=resolve_recipe(upgrade_keys(described["recipe"])),
            history=history,
            earlier=described.get("earlier", []),
            **{key: described[key] for key in _PLAIN_KEYS},
        )


def describe_architecture(architecture: Architecture) -> dict[str, Any]:
    """Return the keys of model.json that name an architecture and the package it comes from."""
    package = models.MODELS.package_of(architecture)
    return {
        "architecture": str(architecture),
        **({"requires": [package]} if package else {}),
    }


def save_model(folder: Path, model: nn.Module, described: dict[str, Any]) -> None:
    """Write ``model.safetensors``, then ``model.json`` with a description and its SHA-256."""
    content = safetensors.torch.save(copy_weights(model))
    write_bytes(folder / WEIGHTS_FILE, content)
    write_json(folder / MODEL_FILE, described | {"sha256": sha256(content)})


def copy_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a module by name, copied so that none share memory."""
    return {name: value.detach().contiguous().clone() for name, value in model.state_dict().items()}


def load_model(folder: Path, restore: Callable[[dict[str, Any], bytes], Trained]) -> Trained:
    """Load what `save_model` wrote; the SHA-256 of the weights is checked before they are parsed.

    Args:
        folder: The folder.
        restore: Function from the description and the content of the weights to the model.

    Raises:
        InkfastError: If a file is missing, damaged or was changed.
    """
    described = read_json(folder / MODEL_FILE)
    if isinstance(described, dict):
        check_installed(described.get("requires", []), str(folder / MODEL_FILE))
    try:
        content = (folder / WEIGHTS_FILE).read_bytes()
        if sha256(content) != described["sha256"]:
            raise InkfastError("the SHA-256 of its weights is not the one in model.json")
        return restore(described, content)
    except (
        InkfastError, OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError,
        SafetensorError,
    ) as error:  # fmt: skip
        raise InkfastError(
            f"{folder} is damaged or was changed ({error}). Delete it, and train it again with "
            "--resume."
        ) from None


def restore_module(architecture: Architecture, weights: dict[str, Tensor]) -> nn.Module:
    """Return an architecture's module with the weights of these names, for evaluation."""
    with torch.device("meta"):
        model = architecture.build()
    model.load_state_dict(weights, assign=True)
    # the memory layout of training, so that predictions are equal to the bit
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # untyped
    evaluated: nn.Module = model.eval()
    return evaluated


# keys of model.json that are stored unchanged
_PLAIN_KEYS = (
    "seed",
    "best_epoch",
    "train_seconds",
    "threads",
    "precision",
    "class_counts",
    "machine",
)


def _check_plain(described: dict[str, Any], epochs: int) -> None:
    """Raise unless the values of `_PLAIN_KEYS` have the types that were written."""
    check_number("best_epoch", described["best_epoch"], low=1, high=epochs, whole=True)
    check_number("train_seconds", described["train_seconds"], low=0)
    for name in ("seed", "threads"):
        check_number(name, described[name], low=0, whole=True)
    check_choice("precision", described["precision"], PRECISIONS)
    counts, machine = described["class_counts"], described["machine"]
    for name in ("given", "trained_on"):
        if len(counts[name]) != CLASSES:
            raise InkfastError(f"`class_counts` must have {CLASSES} numbers under `{name}`")
        for count in counts[name]:
            check_number("class_counts", count, low=0, whole=True)
    if not isinstance(machine, dict) or not all(
        isinstance(value, str | int) for value in machine.values()
    ):
        raise InkfastError(
            f"`machine` must be a table of text and numbers, got {short_repr(machine)}"
        )
