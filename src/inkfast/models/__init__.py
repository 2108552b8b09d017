"""Architectures by name: `build("mlp(hidden=[256, 128])")`."""

from __future__ import annotations

from inkfast.core.registry import import_modules
from inkfast.models.base import MODELS, Architecture, Network, create
from inkfast.models.baseline import Baseline, SklearnModule
from inkfast.models.summary import Summary, count_parameters, summarise

__all__ = [
    "MODELS", "Architecture", "Baseline", "Network", "SklearnModule", "Summary", "build_model",
    "count_parameters", "create", "summarise",
]  # fmt: skip

import_modules(__name__, __path__)  # each architecture registers itself


def build_model(text: str) -> Architecture:
    """Read an architecture: ``cnn`` or ``mlp(hidden=[256, 128], dropout=0.3)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    return MODELS.build(text)
