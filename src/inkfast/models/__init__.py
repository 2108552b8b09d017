"""Architectures by name: `build("mlp(hidden=[256, 128])")`."""

from __future__ import annotations

from inkfast.models import (  # the import registers it: one line per architecture
    cnn,
    densenet,
    inception,
    knn,
    lenet5,
    logistic,
    mlp,
    random_forest,
    resnet,
    sklearn_mlp,
    svm,
    vgg,
)
from inkfast.models.base import MODELS, Architecture, Network, create
from inkfast.models.baseline import Baseline, SklearnModule
from inkfast.models.summary import Summary, count_parameters, summarise

__all__ = [
    "MODELS", "Architecture", "Baseline", "Network", "SklearnModule", "Summary", "build", "cnn",
    "count_parameters", "create", "densenet", "inception", "knn", "lenet5", "logistic", "mlp",
    "random_forest", "resnet", "sklearn_mlp", "summarise", "svm", "vgg",
]  # fmt: skip


def build(text: str) -> Architecture:
    """Read an architecture: ``cnn`` or ``mlp(hidden=[256, 128], dropout=0.3)``.

    Raises:
        InkfastError: For an unknown name or parameter, or a value that is not allowed.
    """
    return MODELS.build(text)
