"""Running an experiment: every model is trained on every seed, then predicts the test digits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from inkfast.core.errors import DivergedError
from inkfast.evaluation.scores import Floats
from inkfast.execution import SERIAL, Executor, Observer, quiet
from inkfast.experiments.config import Experiment, ModelSpec
from inkfast.experiments.dataset import ExperimentData
from inkfast.experiments.run_folder import fit_folder
from inkfast.experiments.starting_point import StartingPoint, load_starting_point
from inkfast.training import Epoch, FitJob, TrainedModel
from inkfast.training.starting_weights import StartingWeights


@dataclass(frozen=True)
class FitResult:
    """One trained model of an experiment and its probabilities on the test digits."""

    model_spec: ModelSpec
    trained: TrainedModel
    probabilities: Floats


@dataclass(frozen=True)
class RunResult:
    """Result of an experiment; fits are missing if one diverged or Ctrl-C came."""

    experiment: Experiment
    dataset: ExperimentData
    fits: list[FitResult]
    interrupted: bool = False
    diverged: tuple[DivergedError, ...] = ()


def run_experiment(
    experiment: Experiment,
    digits: ExperimentData,
    out: Path,
    observer: Observer[Epoch] = quiet,
    executor: Executor = SERIAL,
    start: StartingPoint | None = None,
) -> RunResult:
    """Train every model on every seed; fits already finished in `out` are not trained again.

    After Ctrl-C, or if a fit diverges, the finished fits are returned. `start` is what
    `Experiment.start_from` names, see `load_start`.
    """
    pairs = [
        (model_spec, seed)
        for seed in range(experiment.seed, experiment.seed + experiment.seeds)
        for model_spec in experiment.models
    ]
    weights = start.weights if start else None
    jobs = (
        _fit_job(experiment, digits, model_spec, seed, out, weights) for model_spec, seed in pairs
    )
    found, interrupted = executor.run(jobs, len(pairs), observer)
    # the only use of the test digits, after every choice has been made
    fits = [
        FitResult(model_spec, result, result.probabilities(digits.test))
        for (model_spec, _), result in zip(pairs, found, strict=True)
        if isinstance(result, TrainedModel)
    ]
    diverged = tuple(result for result in found if isinstance(result, DivergedError))
    return RunResult(experiment, digits, fits, interrupted, diverged)


def load_start(experiment: Experiment, dataset: ExperimentData) -> StartingPoint | None:
    """Return the network that an experiment begins with; None for random weights.

    Raises:
        InkfastError: If it cannot be used, see `load_starting_point` and `StartingPoint.check`.
    """
    if not experiment.start_from:
        return None
    start = load_starting_point(experiment.start_from)
    start.check(experiment, dataset)
    return start


def _fit_job(
    experiment: Experiment,
    digits: ExperimentData,
    model_spec: ModelSpec,
    seed: int,
    out: Path,
    start: StartingWeights | None,
) -> FitJob:
    fit_spec = replace(experiment.fit_spec(model_spec, digits.train, seed), start=start)
    title = model_spec.name if experiment.seeds == 1 else f"{model_spec.name}, seed {seed}"
    return FitJob(title=title, folder=fit_folder(out, model_spec, seed), fit_spec=fit_spec)
