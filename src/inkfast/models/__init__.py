"""Architectures by name: `build("mlp(hidden=[256, 128])")`."""

from __future__ import annotations

from inkfast.core.registry import import_modules
from inkfast.models.base import (
    MODELS,
    Architecture,
    Network,
    NumberArchitecture,
    check_reads_digits,
    create,
)
from inkfast.models.baseline import Baseline, SklearnModule
from inkfast.models.own_network import OwnNetwork
from inkfast.models.summary import Summary, count_parameters, summarise

__all__ = [
    "MODELS", "Architecture", "Baseline", "Network", "NumberArchitecture", "OwnNetwork",
    "SklearnModule", "Summary", "build_digit_model", "build_model", "check_reads_digits",
    "count_parameters", "create", "summarise",
]  # fmt: skip

import_modules(__name__, __path__)  # each architecture registers itself


def build_model(text: str) -> Architecture:
    """Read an architecture: ``cnn`` or ``mlp(hidden=[256, 128], dropout=0.3)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    return MODELS.build(text)


def build_digit_model(text: str) -> Architecture:
    """Read the architecture of a model that classifies digits.

    Raises:
        InkfastError: See `build_model`; or if the model reads numbers.
    """
    architecture = build_model(text)
    check_reads_digits(architecture)
    return architecture
