"""`TrainedModel`: a model with its description and history, saved without pickle."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

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
    """A trained model, in evaluation mode on the CPU, and how it was trained."""

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

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``, then ``model.json`` with its SHA-256."""
        described = {
            **describe_architecture(self.architecture),
            "recipe": dataclasses.asdict(self.recipe),
            **{key: getattr(self, key) for key in _PLAIN_KEYS},
            "history": [vars(epoch) for epoch in self.history],
        }
        save_model(folder, self.model, described)

    @classmethod
    def load(cls, folder: Path) -> TrainedModel:
        """Load a saved model; the SHA-256 of the weights is checked before they are parsed.

        Raises:
            InkfastError: If a file is missing, damaged or was changed.
        """
        return load_model(folder, cls._from)

    @classmethod
    def _from(cls, described: dict[str, Any], content: bytes) -> TrainedModel:
        history = Epoch.read_all(described["history"])
        _check_plain(described, len(history))
        architecture = models.build_digit_model(described["architecture"])
        return cls(
            model=restore_module(architecture, content),
            architecture=architecture,
            recipe=resolve_recipe(upgrade_keys(described["recipe"])),
            history=history,
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
    tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
    content = safetensors.torch.save(tensors)
    write_bytes(folder / WEIGHTS_FILE, content)
    write_json(folder / MODEL_FILE, described | {"sha256": sha256(content)})


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


def restore_module(architecture: Architecture, content: bytes) -> nn.Module:
    """Return an architecture's module with the weights of a safetensors file, for evaluation."""
    with torch.device("meta"):
        model = architecture.build()
    model.load_state_dict(safetensors.torch.load(content), assign=True)
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
