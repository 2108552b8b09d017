"""Training: a recipe in, a `Trained` network out."""

from __future__ import annotations

from inkfast.training.loop import TRAIN_NOISE, DivergedError, Task, Watch, fit
from inkfast.training.recipe import Recipe, resolve
from inkfast.training.trained import Epoch, Trained

__all__ = [
    "TRAIN_NOISE",
    "DivergedError",
    "Epoch",
    "Recipe",
    "Task",
    "Trained",
    "Watch",
    "fit",
    "resolve",
]
