"""Architectures by name: `build("mlp(hidden=[256, 128])")`."""

from __future__ import annotations

from inkfast.models import cnn, mlp  # the import registers it: one line per architecture
from inkfast.models.base import (
    MODELS,
    Architecture,
    Summary,
    count_parameters,
    create,
    summarise,
)

__all__ = [
    "MODELS", "Architecture", "Summary", "build", "cnn", "count_parameters", "create", "mlp",
    "summarise",
]  # fmt: skip


def build(text: str) -> Architecture:
    """Read an architecture: ``cnn`` or ``mlp(hidden=[256, 128], dropout=0.3)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    return MODELS.build(text)
