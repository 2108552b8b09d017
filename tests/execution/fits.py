"""Small fits for the tests of executors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inkfast import models, noise
from inkfast.core.digits import Digits
from inkfast.execution import Callback
from inkfast.training import FitJob, FitSpec, resolve_recipe
from tests.execution.squares import EPOCHS


class TellingFitJob(FitJob):
    """A fit that says in which process it runs."""

    def run(self, callback: Callback[Any]) -> Any:
        callback.on_message(f"process {os.getpid()}")
        return super().run(callback)


def fit_jobs(
    digits: Digits, out: Path, seeds: int = 3, kind: type[FitJob] = FitJob, **recipe: Any
) -> list[FitJob]:
    """Return small fits that differ in their seed."""

    def make(seed: int) -> FitSpec:
        architecture = models.build_model("mlp(hidden=[16], dropout=0.2)")
        settings = {"epochs": EPOCHS, "min_epoch_images": 0, "batch_size": 50} | recipe
        return FitSpec(
            architecture=architecture, recipe=resolve_recipe(architecture.recipe, settings),
            digits=digits, noise=noise.build_noise("rotate(degrees=20)"), seed=seed, threads=1,
        )  # fmt: skip

    return [
        kind(title=f"seed {seed}", folder=out / str(seed), fit_spec=make(seed))
        for seed in range(seeds)
    ]


def bits(results: Sequence[Any]) -> list[str]:
    """Return the weights of models in full."""
    return [str(sorted((k, v.tolist()) for k, v in r.model.state_dict().items())) for r in results]
