"""`TrainedNumberNetwork`: a network that reads numbers, and how it was trained."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from inkfast import models
from inkfast.core.errors import InkfastError, check_choice, check_number
from inkfast.inference.number_strips import CONTRAST_FLOOR, STRIP_MARGIN, GreyStrip
from inkfast.models import NumberArchitecture
from inkfast.training.number_recipe import NumberRecipe, resolve_number_recipe
from inkfast.training.trained_model import (
    PRECISIONS,
    EpochRecord,
    describe_architecture,
    load_model,
    restore_module,
    save_model,
)

# keys of model.json that are stored unchanged
_PLAIN_KEYS = ("seed", "best_epoch", "train_seconds", "threads", "precision", "machine")


@dataclass(frozen=True, kw_only=True)
class NumberEpoch(EpochRecord):
    """Metrics of one epoch of a network that reads numbers; losses are per character.

    Attributes:
        character_error: Edits that turn the texts read into the right ones, divided by the number
            of characters of the right ones.
    """

    character_error: float


class StripRecogniser(nn.Module):
    """A network from prepared strips of one width to logarithms of probabilities.

    It normalises strips as `inkfast.inference.number_strips.normalize_strips` does.

    Args:
        model: Network, see `inkfast.models.NumberArchitecture`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, strips: Tensor) -> Tensor:
        """Return float32 ``(n, frames, k)`` of uint8 ``(n, 40, width)``."""
        grey = strips.to(torch.float32)
        centred = grey - grey.mean((1, 2), keepdim=True)
        deviation = centred.square().mean((1, 2), keepdim=True).sqrt()
        normalized = centred / (deviation + CONTRAST_FLOOR)
        logits = self.model(F.pad(normalized, (STRIP_MARGIN, STRIP_MARGIN))[:, None])
        log_probs: Tensor = logits.log_softmax(2)
        return log_probs


@dataclass(frozen=True, kw_only=True)
class TrainedNumberNetwork:
    """A trained network, in evaluation mode on the CPU, and how it was trained.

    Attributes:
        earlier: Recipes of the trainings whose weights this one began with, the first one first.
    """

    model: nn.Module
    architecture: NumberArchitecture
    recipe: NumberRecipe
    seed: int
    history: list[NumberEpoch]
    best_epoch: int
    train_seconds: float
    threads: int
    precision: str
    machine: dict[str, str | int]
    earlier: list[dict[str, Any]] = field(default_factory=list)

    @property
    def best(self) -> NumberEpoch:
        """The epoch whose weights the network has."""
        return self.history[self.best_epoch - 1]

    def log_probabilities(self, strips: GreyStrip) -> NDArray[np.float32]:
        """Return float32 ``(n, frames, k)`` of prepared strips, uint8 ``(n, 40, width)``."""
        with torch.inference_mode():
            found = StripRecogniser(self.model)(torch.tensor(strips))
        return np.asarray(found.numpy())

    def save(self, folder: Path) -> None:
        """Write ``model.safetensors``, then ``model.json`` with its SHA-256."""
        described = {
            **describe_architecture(self.architecture),
            "recipe": dataclasses.asdict(self.recipe),
            **{key: getattr(self, key) for key in _PLAIN_KEYS},
            "history": [vars(epoch) for epoch in self.history],
            "earlier": self.earlier,
        }
        save_model(folder, self.model, described)

    @classmethod
    def load(cls, folder: Path) -> TrainedNumberNetwork:
        """Load a saved network; the SHA-256 of the weights is checked before they are parsed.

        Raises:
            InkfastError: If a file is missing, damaged or was changed.
        """
        return load_model(folder, cls._from)

    @classmethod
    def _from(cls, described: dict[str, Any], content: bytes) -> TrainedNumberNetwork:
        history = NumberEpoch.read_all(described["history"])
        check_number("best_epoch", described["best_epoch"], low=1, high=len(history), whole=True)
        check_number("train_seconds", described["train_seconds"], low=0)
        check_choice("precision", described["precision"], PRECISIONS)
        return cls(
            model=restore_module(
                architecture := number_architecture(described), safetensors.torch.load(content)
            ),
            architecture=architecture,
            recipe=resolve_number_recipe(described["recipe"]),
            history=history,
            earlier=described.get("earlier", []),
            **{key: described[key] for key in _PLAIN_KEYS},
        )


def average_networks(networks: Sequence[TrainedNumberNetwork]) -> TrainedNumberNetwork:
    """Return a network with the mean weights of others, described as the last of them.

    They should have begun with the same weights, which the source's results are about.

    Args:
        networks: One or more networks of the same architecture.

    Source: Wortsman and others (2022), Model Soups: Averaging Weights of Multiple Fine-Tuned Models
    Improves Accuracy without Increasing Inference Time.
    """
    last = networks[-1]
    states = [one.model.state_dict() for one in networks]
    mean = {
        name: torch.stack([state[name] for state in states]).mean(0)
        for name, values in states[0].items()
        if values.is_floating_point()
    }
    model = copy.deepcopy(last.model)
    model.load_state_dict(states[-1] | mean)
    recipes = [r for one in networks for r in (*one.earlier, dataclasses.asdict(one.recipe))]
    *before, own = recipes
    earlier = [one for place, one in enumerate(before) if one not in (own, *before[:place])]
    return dataclasses.replace(last, model=model, earlier=earlier)


def number_architecture(described: dict[str, Any]) -> NumberArchitecture:
    """Return the architecture that a description names.

    Raises:
        InkfastError: If it does not read numbers.
    """
    architecture = models.build_model(described["architecture"])
    if not isinstance(architecture, NumberArchitecture):
        raise InkfastError(f"{architecture.name} reads single digits, not numbers")
    return architecture
