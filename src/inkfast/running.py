"""Running an experiment: digits in, a folder with everything that can be made again out.

::

    runs/<name>/
      experiment.toml    every choice, resolved; can be run again
      data.json          where the digits came from, fingerprints of train, test and noisy test
      fits/<model>-seed0/  model.safetensors, model.json, test.npy (test probabilities)
      leaderboard.json  leaderboard.csv  report.html
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from inkfast import data, noise
from inkfast.data.digits import Digits, Source, stratified_split
from inkfast.errors import InkfastError
from inkfast.evaluation.scores import Floats
from inkfast.experiment import Entry, Experiment, from_settings, read_toml
from inkfast.files import read_json, write_bytes, write_json, write_text
from inkfast.noise import Chain, noisy
from inkfast.streams import derive
from inkfast.training import Task, Trained, Watch, checkpoint, fit

_PARTS = ("experiment.toml", "data.json", "leaderboard.json", "leaderboard.csv", "report.html")


@dataclass(frozen=True)
class Material:
    """The digits of an experiment.

    Attributes:
        source: Name of the data source, ``auto`` resolved.
        notice: What must be said about the data, or nothing.
        train: Clean rows to train on; validation is cut from them.
        clean: Test digits before the noise.
        test: The same test digits under the noise, made once.
        noise: The noise.
    """

    source: str
    notice: str
    train: Digits
    clean: Digits
    test: Digits
    noise: Chain

    def fingerprints(self) -> dict[str, str]:
        """What identifies the digits, as it is kept in ``data.json``."""
        return {
            "source": self.source,
            "train": self.train.fingerprint,
            "test": self.clean.fingerprint,
            "noisy_test": self.test.fingerprint,
        }


@dataclass(frozen=True)
class Fit:
    """One trained model of an experiment and its probabilities on the test digits."""

    entry: Entry
    trained: Trained
    probabilities: Floats


@dataclass(frozen=True)
class Outcome:
    """What an experiment gave; `interrupted` when some fits are missing."""

    experiment: Experiment
    material: Material
    fits: list[Fit]
    interrupted: bool = False


@dataclass(frozen=True, kw_only=True)
class Observer:
    """Whom to tell how a run goes; each does nothing unless given."""

    fit: Callable[[str, int, int], Watch] = field(default=lambda title, number, of: Watch())
    say: Callable[[str], None] = field(default=lambda sentence: None)


def prepare(
    experiment: Experiment, report: Callable[[str, int, int], None] = lambda *_: None
) -> Material:
    """Load the digits, cut a test part where the source has none, and make the noisy test once."""
    return material(experiment, data.load(experiment.data, report))


def material(experiment: Experiment, source: Source) -> Material:
    """Return an experiment's digits from a loaded source."""
    train, test = source.train, source.test
    if test is None:
        kept, cut = stratified_split(
            train.known_labels, experiment.test_fraction, derive(experiment.seed, "test rows")
        )
        name = train.name
        train, test = train.pick(kept, f"{name} train"), train.pick(cut, f"{name} test")
    _ = train.known_labels, test.known_labels
    chain = noise.build(experiment.noise)
    corrupted = noisy(test, chain, derive(experiment.seed, "test noise"))
    return Material(source.name, source.notice, train, test, corrupted, chain)


def claim_folder(
    out: Path, experiment: Experiment, digits: Material, *, resume: bool, overwrite: bool
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
    if occupied and overwrite:
        shutil.rmtree(out / "fits", ignore_errors=True)
        for part in _PARTS:
            (out / part).unlink(missing_ok=True)
    elif occupied and not resume:
        raise InkfastError(
            f"{out} already holds a run. Add --resume to go on with it, --overwrite to start it "
            "anew, or --out DIR for another place."
        )
    elif occupied:
        _check_same(out, experiment, digits)
        return
    write_json(out / "data.json", digits.fingerprints())
    write_text(out / "experiment.toml", experiment.to_toml())


def _check_same(out: Path, experiment: Experiment, digits: Material) -> None:
    """Raise unless the folder's experiment and digits are the ones asked for."""
    before, now = read_toml(out / "experiment.toml"), _settings(experiment)
    changed = [key for key in now if before.get(key) != now[key] and key != "name"]
    if changed:
        raise InkfastError(
            f"{out} holds another experiment: {', '.join(changed)} differ. Use --out DIR for "
            "another place, or --overwrite to start anew."
        )
    if read_json(out / "data.json") != digits.fingerprints():
        raise InkfastError(
            f"{out} was begun on other digits: the data has changed since. Use --out DIR for "
            "another place, or --overwrite to start anew."
        )


def _settings(experiment: Experiment) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(experiment.to_toml())


def run(experiment: Experiment, digits: Material, out: Path, observer: Observer) -> Outcome:
    """Train every model on every seed; finished fits found in `out` are taken as they are.

    Ctrl-C ends the run early: what is finished is returned, and can be gone on with.
    """
    tasks = [
        (entry, seed)
        for seed in range(experiment.seed, experiment.seed + experiment.seeds)
        for entry in experiment.models
    ]
    trained: list[tuple[Entry, Trained, Path]] = []
    interrupted = False
    try:
        for number, (entry, seed) in enumerate(tasks, start=1):
            title = entry.name if experiment.seeds == 1 else f"{entry.name}, seed {seed}"
            folder = out / "fits" / f"{entry.slug}-seed{seed}"
            watch = observer.fit(title, number, len(tasks))
            trained.append((entry, _fit(experiment, digits, entry, seed, folder, watch), folder))
    except KeyboardInterrupt:
        interrupted = True
    # the test digits are looked at here, after every choice has been made
    fits = [Fit(entry, model, _judge(model, digits.test, path)) for entry, model, path in trained]
    return Outcome(experiment, digits, fits, interrupted)


def _fit(
    experiment: Experiment, digits: Material, entry: Entry, seed: int, folder: Path, watch: Watch
) -> Trained:
    if (folder / "model.json").is_file():
        watch.say("already trained")
        return Trained.load(folder)
    task = Task(
        architecture=entry.architecture,
        recipe=entry.recipe,
        digits=digits.train,
        noise=digits.noise,
        train_noise=experiment.train_noise,
        seed=seed,
        threads=experiment.threads,
    )
    trained = fit(task, folder / "checkpoints", watch)
    trained.save(folder)
    checkpoint.remove(folder / "checkpoints")
    return trained


def _judge(trained: Trained, test: Digits, folder: Path) -> Floats:
    """Return probabilities on the test digits, kept beside the model once made."""
    path = folder / "test.npy"
    if path.is_file():
        kept: Floats = np.load(path, allow_pickle=False)
        return kept
    probabilities = trained.probabilities(test)
    buffer = io.BytesIO()
    np.save(buffer, probabilities, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return probabilities


def evaluation_digits(experiment: Experiment, source: Source, run_folder: Path) -> Digits:
    """Return the digits to judge a run's models on, under the experiment's noise.

    Rows that the run was trained on are never among them: of its own data the test part is taken,
    of other data the test part where there is one, else all.
    """
    mine = read_json(run_folder / "data.json")
    digits = source.test
    if digits is None:
        digits = source.train
        own = material(experiment, source) if source.train.labels is not None else None
        if own is not None and own.train.fingerprint == mine["train"]:
            return own.test
    chain = noise.build(experiment.noise)
    return noisy(digits, chain, derive(experiment.seed, "test noise"))


def load_models(run_folder: Path) -> tuple[Experiment, list[tuple[Entry, Trained]]]:
    """Return the experiment of a run folder and its finished models, the first seeds first.

    Raises:
        InkfastError: If it is no run, or nothing in it is finished.
    """
    if not (run_folder / "experiment.toml").is_file():
        raise InkfastError(
            f"{run_folder} is no run: expected a folder that inkfast compare or train has made."
        )
    experiment = from_settings(read_toml(run_folder / "experiment.toml"))
    found = []
    for seed in range(experiment.seed, experiment.seed + experiment.seeds):
        for entry in experiment.models:
            folder = run_folder / "fits" / f"{entry.slug}-seed{seed}"
            if (folder / "model.json").is_file():
                found.append((entry, Trained.load(folder)))
    if not found:
        raise InkfastError(f"{run_folder} has no finished model yet. Go on with it: --resume.")
    return experiment, found
