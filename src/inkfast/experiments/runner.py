"""Running an experiment: digits in, a folder with everything that can be made again out.

::

    runs/<name>/
      experiment.toml    every choice, resolved; can be run again
      data.json          where the digits came from, fingerprints of train, test and noisy test
      fits/<model>-seed0/  model.safetensors, model.json; checkpoints/ until it is finished
      leaderboard.json  leaderboard.csv  report.html
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkfast.core.errors import DivergedError, InkfastError
from inkfast.core.io import check_resume, lock, read_json, read_object, write_json, write_text
from inkfast.evaluation.scores import Floats
from inkfast.execution import QUIET, SERIAL, Executor, FitJob, SweepObserver
from inkfast.experiments.config import Experiment, ModelSpec, from_settings, read_toml
from inkfast.experiments.dataset import ExperimentData
from inkfast.training import TrainedModel

_PARTS = (
    "experiment.toml", "data.json", "leaderboard.json", "leaderboard.csv", "validation.json",
    "folds.csv", "tune.json", "best.toml", "study.db", "report.html",
)  # fmt: skip
_FOLDERS = ("fits", "trials", "best")


@dataclass(frozen=True)
class FitResult:
    """One trained model of an experiment and its probabilities on the test digits."""

    model_spec: ModelSpec
    trained: TrainedModel
    probabilities: Floats


@dataclass(frozen=True)
class RunResult:
    """What an experiment gave; some fits are missing when it was interrupted or one diverged."""

    experiment: Experiment
    dataset: ExperimentData
    fits: list[FitResult]
    interrupted: bool = False
    diverged: tuple[DivergedError, ...] = ()


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Keep other processes of this machine from working in the same folder meanwhile.

    Where the cache cannot be written nobody is kept out, as where the system has no locks.

    Raises:
        InkfastError: If one does.
    """
    import platformdirs

    name = hashlib.sha256(os.fsencode(os.path.realpath(out))).hexdigest()[:20]
    path = Path(platformdirs.user_cache_dir("inkfast")) / "locks" / name
    with ExitStack() as open_files:
        # no run needs the lock, and one in the folder or beside it would stay where it is refused
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock(
                open_files.enter_context(path.open("w")),
                f"another inkfast is at work in {out}. Wait for it, or use --out DIR for another "
                "place.",
            )
        yield


def claim_folder(
    out: Path, experiment: Experiment, prints: dict[str, str], *, resume: bool, overwrite: bool
) -> None:
    """Make `out` the folder of this experiment, or refuse without touching anything.

    Raises:
        InkfastError: If it holds something else, or this experiment and neither flag was given.
    """
    if out.exists() and not out.is_dir():
        raise InkfastError(f"{out} is a file: expected a folder or a new name. Use --out DIR.")
    occupied = out.is_dir() and any(out.iterdir())
    is_run = (out / "experiment.toml").is_file()
    if occupied and not is_run:
        raise InkfastError(f"{out} is not empty and is no run of inkfast. Use another --out DIR.")
    check_resume(resume=resume, overwrite=overwrite)
    if occupied and not (resume or overwrite):
        raise InkfastError(
            f"{out} already holds a run. Add --resume to go on with it, --overwrite to start it "
            "anew, or --out DIR for another place."
        )
    if occupied and resume:
        _check_same(out, experiment, prints)
        return
    if occupied:
        _clear(out)
    write_text(out / "experiment.toml", experiment.to_toml())
    write_json(out / "data.json", prints)


def _clear(out: Path) -> None:
    """Delete a former run and nothing else; what names it a run goes last."""
    try:
        for folder in _FOLDERS:
            if (out / folder).exists():
                shutil.rmtree(out / folder)
        for part in reversed(_PARTS):
            (out / part).unlink(missing_ok=True)
    except OSError as error:
        raise InkfastError(f"cannot delete the run in {out}: {error.strerror}.") from None


def _check_same(out: Path, experiment: Experiment, prints: dict[str, str]) -> None:
    """Raise unless the folder's experiment and digits are the ones asked for."""
    # a run of an older inkfast lacks the keys that have come since: they had their defaults
    before = _settings(from_settings(read_toml(out / "experiment.toml")))
    now = _settings(experiment)
    # digits are known by their fingerprints, whatever the file is called
    changed = [key for key in now if before.get(key) != now[key] and key not in ("name", "data")]
    if changed == ["threads"]:
        begun = before["threads"]
        how = f"with --threads {begun}" if begun else "without --executor"
        raise InkfastError(
            f"{out} was begun with another number of threads, on which bits depend: go on {how}."
        )
    if changed:
        raise InkfastError(
            f"{out} holds another experiment: {', '.join(changed)} differ. Use --out DIR for "
            "another place, or --overwrite to start anew."
        )
    if not (out / "data.json").is_file():  # killed between the two files of a new run
        write_json(out / "data.json", prints)
    if read_json(out / "data.json") != prints:
        raise InkfastError(
            f"{out} was begun on other digits or by another command. Use --out DIR for another "
            "place, or --overwrite to start anew."
        )


def _settings(experiment: Experiment) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(experiment.to_toml())


def run_experiment(
    experiment: Experiment,
    digits: ExperimentData,
    out: Path,
    observer: SweepObserver = QUIET,
    executor: Executor = SERIAL,
) -> RunResult:
    """Train every model on every seed; finished fits found in `out` are taken as they are.

    Ctrl-C ends the run early, and a fit that diverges is left out: what is finished is returned.
    """
    pairs = [
        (model_spec, seed)
        for seed in range(experiment.seed, experiment.seed + experiment.seeds)
        for model_spec in experiment.models
    ]
    jobs = (_job(experiment, digits, model_spec, seed, out) for model_spec, seed in pairs)
    found, interrupted = executor.run(jobs, len(pairs), observer)
    # the test digits are looked at here, after every choice has been made
    fits = [
        FitResult(model_spec, result, result.probabilities(digits.test))
        for (model_spec, _), result in zip(pairs, found, strict=True)
        if isinstance(result, TrainedModel)
    ]
    diverged = tuple(result for result in found if isinstance(result, DivergedError))
    return RunResult(experiment, digits, fits, interrupted, diverged)


def fit_folder(out: Path, model_spec: ModelSpec, seed: int) -> Path:
    """Return where a run keeps one fit."""
    return out / "fits" / f"{model_spec.slug}-seed{seed}"


def _job(
    experiment: Experiment, digits: ExperimentData, model_spec: ModelSpec, seed: int, out: Path
) -> FitJob:
    fit_spec = experiment.fit_spec(model_spec, digits.train, seed)
    title = model_spec.name if experiment.seeds == 1 else f"{model_spec.name}, seed {seed}"
    return FitJob(title=title, folder=fit_folder(out, model_spec, seed), fit_spec=fit_spec)


def load_models(run_folder: Path) -> tuple[Experiment, list[tuple[ModelSpec, TrainedModel]]]:
    """Return the experiment of a run folder and its finished models, the first seeds first.

    Raises:
        InkfastError: If it is no run, or nothing in it is finished.
    """
    if not (run_folder / "experiment.toml").is_file():
        raise InkfastError(
            f"{run_folder} is no run: expected a folder that inkfast compare or train has made."
        )
    kind = read_object(run_folder / "data.json").get("kind")
    if kind == "cross-validation":
        raise InkfastError(
            f"{run_folder} is a cross-validation, whose models are for its folds alone: expected a "
            "run of inkfast compare or train."
        )
    if kind == "tuning":
        raise InkfastError(f"{run_folder} is a search: its best model is in {run_folder / 'best'}.")
    experiment = from_settings(read_toml(run_folder / "experiment.toml"))
    found = []
    for seed in range(experiment.seed, experiment.seed + experiment.seeds):
        for model_spec in experiment.models:
            folder = fit_folder(run_folder, model_spec, seed)
            if (folder / "model.json").is_file():
                found.append((model_spec, TrainedModel.load(folder)))
    if not found:
        raise InkfastError(f"{run_folder} has no finished model yet. Go on with it: --resume.")
    return experiment, found
