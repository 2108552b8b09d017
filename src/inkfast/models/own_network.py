"""`OwnNetwork`: a network of the caller's own, given as a module or a function that makes one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from inkfast.core.digits import CLASSES, SIDE
from inkfast.core.errors import InkfastError, short_repr
from inkfast.inference.onnx_classifier import error_summary
from inkfast.models.base import Network, create


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnNetwork(Network):
    """A network that is no registered architecture.

    Its module takes float32 ``(n, 1, 28, 28)`` in [0, 1] and returns logits ``(n, 10)``.

    Attributes:
        given: The module, which is copied with its weights, or a function that returns a new one
            and draws its weights from torch's global generator.
    """

    name: ClassVar[str] = "own"
    source: ClassVar[str] = ""
    recipe: ClassVar[Mapping[str, Any]] = {}
    # a module may use `view`, which takes channels in their usual order alone
    memory_format: ClassVar[torch.memory_format] = torch.contiguous_format
    given: nn.Module | Callable[[], nn.Module]

    def build(self) -> nn.Module:
        """Return a new module.

        Raises:
            InkfastError: If `given` is a function that fails or returns something else.
        """
        if isinstance(self.given, nn.Module):
            return copy.deepcopy(self.given)
        try:
            module = self.given()
        except Exception as error:  # whatever a function of the caller raises
            raise InkfastError(f"`model` could not be made ({error_summary(error)}).") from None
        if not isinstance(module, nn.Module):
            raise InkfastError(
                f"`model` must return a torch.nn.Module, got {short_repr(module)} from {self}."
            )
        return module

    def __str__(self) -> str:
        kind = type(self.given) if isinstance(self.given, nn.Module) else self.given
        return getattr(kind, "__qualname__", type(kind).__qualname__)


@create.register
def _create_own(architecture: OwnNetwork, generator: Generator) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())
        module = architecture.build().cpu().float()
        _check_logits(architecture, module)
    return module


def _check_logits(architecture: OwnNetwork, module: nn.Module) -> None:
    """Raise unless a module has weights and returns logits for two images."""
    with torch.no_grad():
        try:
            found = module.eval()(torch.linspace(0, 1, 2 * SIDE * SIDE).view(2, 1, SIDE, SIDE))
        except Exception as error:  # whatever a module of the caller raises
            raise InkfastError(
                f"`model` {architecture} must take images, float32 (n, 1, {SIDE}, {SIDE}), and "
                f"fails on two of them ({error_summary(error)})."
            ) from None
    shape = tuple(found.shape) if isinstance(found, Tensor) else short_repr(found)
    if shape != (2, CLASSES):
        raise InkfastError(
            f"`model` {architecture} must return logits (n, {CLASSES}), got {shape} for 2 images."
        )
    if found.min() >= 0 and bool((found.double().sum(1) - 1).abs().max() < 1e-4):
        raise InkfastError(
            f"`model` {architecture} must return logits, got probabilities: leave its softmax out."
        )
    if not any(weight.requires_grad for weight in module.parameters()):
        raise InkfastError(f"`model` {architecture} has no weights to train.")
