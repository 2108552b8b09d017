"""`StartingWeights`: the weights of a trained network with which another fit begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from inkfast.models import Network, create

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class StartingWeights:
    """Weights of a trained network, as arrays, which travel to other processes.

    Attributes:
        weights: Weights by their name in the module; without those of `folded`.
        folded: Biases of the layers of batch normalisation that an exported file has folded into
            the convolution before them, by name of the layer.
        earlier: Recipes that the network was trained with, the first one first.
    """

    weights: Weights
    folded: Weights
    earlier: list[dict[str, Any]]

    @classmethod
    def of_module(cls, module: nn.Module, earlier: list[dict[str, Any]]) -> StartingWeights:
        """Take the weights of a module."""
        weights = {name: value.cpu().numpy() for name, value in module.state_dict().items()}
        return cls(weights, {}, earlier)

    def module(self, architecture: Network, images: Tensor) -> nn.Module:
        """Return a module with these weights.

        Args:
            architecture: The architecture that they belong to.
            images: Training images, float32 ``(n, 1, 28, 28)``, on which the statistics of folded
                layers are measured; predictions do not depend on them.
        """
        module = create(architecture, Generator())
        own = module.state_dict()
        module.load_state_dict(own | {k: torch.tensor(v) for k, v in self.weights.items()})
        if self.folded:
            _restore_norms(module, self.folded, images)
        return module


@torch.no_grad()
def _restore_norms(module: nn.Module, folded: Weights, images: Tensor) -> None:
    """Give folded layers of batch normalisation statistics, and the weights that undo them.

    A folded layer only adds its bias, whatever its statistics are. With those of its input it does
    nearly the same in training, where it uses the statistics of each batch.
    """
    norms: dict[str, Any] = {name: module.get_submodule(name) for name in folded}
    for name, norm in norms.items():
        _set_norm(norm, folded[name], torch.zeros_like(norm.bias), torch.ones_like(norm.bias))
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def measure(name: str, values: Tensor) -> None:
        axes = [0, *range(2, values.ndim)]
        found[name] = values.mean(axes), values.var(axes, unbiased=False)

    hooks = [
        norm.register_forward_pre_hook(lambda _, given, name=name: measure(name, given[0]))
        for name, norm in norms.items()
    ]
    module.eval()(images)
    for hook in hooks:
        hook.remove()
    for name, norm in norms.items():
        _set_norm(norm, folded[name], *found[name])


def _set_norm(norm: Any, bias: NDArray[np.float32], mean: Tensor, variance: Tensor) -> None:
    """Set statistics, and weights with which the layer adds a bias to its input and no more."""
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(torch.tensor(bias) + mean)
