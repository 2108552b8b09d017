"""Architectures by name: `build("mlp(hidden=[256, 128])")`."""

from __future__ import annotations

from inkfast.models import (  # the import registers it: one line per architecture
    cnn,
    densenet,
    inception,
    lenet5,
    mlp,
    resnet,
    vgg,
)
from inkfast.models.base import (
    MODELS,
    Architecture,
    Summary,
    count_parameters,
    create,
    summarise,
)

__all__ = [
    "MODELS", "Architecture", "Summary", "build", "cnn", "count_parameters", "create", "densenet",
    "inception", "lenet5", "mlp", "resnet", "summarise", "vgg",
]  # fmt: skip


def build(text: str) -> Architecture:
    """Read an architecture: ``cnn`` or ``mlp(hidden=[256, 128], dropout=0.3)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    return MODELS.build(text)
