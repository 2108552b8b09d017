"""Training: a `FitSpec` in, a `TrainedModel` out."""

from __future__ import annotations

from inkfast.training.baseline import check_recipe
from inkfast.training.fit_job import FitJob, FitOutcome
from inkfast.training.fit_spec import TRAIN_NOISE, Callback, FitSpec
from inkfast.training.loop import fit
from inkfast.training.recipe import KERAS, Recipe, resolve_recipe
from inkfast.training.trained_model import Epoch, TrainedModel

__all__ = [
    "KERAS",
    "TRAIN_NOISE",
    "Callback",
    "Epoch",
    "FitJob",
    "FitOutcome",
    "FitSpec",
    "Recipe",
    "TrainedModel",
    "check_recipe",
    "fit",
    "resolve_recipe",
]
