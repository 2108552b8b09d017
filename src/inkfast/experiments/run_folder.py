"""The folder of a run: its file names, who may write in it, and what it was started with.

::

    runs/<name>/
      experiment.toml      every choice, resolved; can be run again
      data.json            format version, kind of run, SHA-256 of the digits
      fits/<model>-seed0/  model.safetensors, model.json; checkpoints/ until it is finished
      strips/              composed strips, of a network that reads numbers
      report.html
      leaderboard.json  leaderboard.csv              of `compare` and `train`
      validation.json  folds.csv                     of `validate`
      tune.json  best.toml  study.db  trials/  best/  of `tune`; best/ is a run itself
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import lock, read_object, write_json, write_text
from inkfast.core.output_folder import REPORT, FolderKind
from inkfast.experiments.config import Experiment, ModelSpec, from_settings, read_toml
from inkfast.training import TrainedModel
from inkfast.training.recipe import upgrade_keys
from inkfast.training.trained_model import MODEL_FILE

FORMAT = 2  # of a run folder; 1 had no version in data.json and other names for two keys

EXPERIMENT, DATA = "experiment.toml", "data.json"
LEADERBOARD, LEADERBOARD_CSV = "leaderboard.json", "leaderboard.csv"
VALIDATION, FOLDS_CSV = "validation.json", "folds.csv"
SEARCH, BEST_RECIPE, STUDY = "tune.json", "best.toml", "study.db"
FITS, STRIPS, TRIALS, BEST = "fits", "strips", "trials", "best"
RUN = FolderKind(
    "a run",
    (
        EXPERIMENT, DATA, LEADERBOARD, LEADERBOARD_CSV, VALIDATION, FOLDS_CSV, SEARCH, BEST_RECIPE,
        STUDY, REPORT,
    ),
    (FITS, STRIPS, TRIALS, BEST),
    resumable=True,
)  # fmt: skip

COMPARISON, CROSS_VALIDATION, TUNING = "comparison", "cross-validation", "tuning"
NUMBERS = "numbers"
_KINDS = {
    COMPARISON: "a comparison", CROSS_VALIDATION: "a cross-validation", TUNING: "a search",
    NUMBERS: "a network that reads numbers",
}  # fmt: skip
_DIGITS = {"train": "training", "test": "test", "noisy_test": "noisy test"}
_ELSEWHERE = "Use --out DIR for another folder, or --overwrite to start again."


class StoredExperiment(Protocol):
    """An experiment as a run folder keeps it."""

    def to_toml(self) -> str:
        """Return the experiment as TOML, every default filled in."""


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Keep other processes of this machine out of a folder while the block runs.

    No lock is taken if the cache cannot be written or the system has no locks.

    Raises:
        InkfastError: If another process holds the lock.
    """
    import platformdirs  # only commands that train need it

    name = hashlib.sha256(os.fsencode(os.path.realpath(out))).hexdigest()[:20]
    path = Path(platformdirs.user_cache_dir("inkfast")) / "locks" / name
    with ExitStack() as open_files:
        # a run works without the lock; a lock file in the folder or beside it would stay there
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock(
                open_files.enter_context(path.open("w")),
                f"another inkfast is running in {out}. Wait for it, or use --out DIR for another "
                "folder.",
            )
        yield


def claim_run(
    out: Path, experiment: StoredExperiment, identity: Mapping[str, Any], *, resume: bool,
    overwrite: bool,
) -> None:  # fmt: skip
    """Make `out` the folder of this experiment, or refuse without changing anything in it.

    Args:
        out: The folder.
        experiment: The experiment.
        identity: What must be equal when the run is resumed: ``kind`` (a comparison unless given),
            the SHA-256 of its digits and, of a search, its ``space``.
        resume: Whether a run found in the folder is resumed.
        overwrite: Whether a run found in the folder is deleted.

    Raises:
        InkfastError: If the folder holds something else, another run, or this run and neither flag
            was given.
    """
    content = {"format": FORMAT, "kind": COMPARISON, **identity}
    if RUN.claim(out, resume=resume, overwrite=overwrite):
        _check_format(out)
        if resume:
            _check_same(out, experiment, content)
            return
        RUN.clear(out)
    write_text(out / EXPERIMENT, experiment.to_toml())
    write_json(out / DATA, content)


def load_experiment(out: Path) -> Experiment:
    """Return the experiment of a run.

    Raises:
        InkfastError: If it cannot be read, or a newer inkfast wrote it.
    """
    _check_format(out)
    return restore_experiment(read_toml(out / EXPERIMENT))


def restore_experiment(settings: Mapping[str, Any]) -> Experiment:
    """Return the experiment that `Experiment.to_toml` wrote, in this format or an older one."""
    listed = settings.get("models", [])
    models = [upgrade_keys(m) if isinstance(m, Mapping) else m for m in listed]
    older = {"data": "synthetic"} if settings.get("data") == "written" else {}
    return from_settings({**upgrade_keys(settings), **older, "models": models})


def load_identity(out: Path) -> dict[str, Any]:
    """Return what identifies a run, see `claim_run`.

    Raises:
        InkfastError: If it cannot be read, or a newer inkfast wrote it.
    """
    content = {"format": 1, "kind": COMPARISON, **read_object(out / DATA)}
    version = content["format"]
    if not isinstance(version, int) or version > FORMAT:
        raise InkfastError(
            f"a newer inkfast wrote {out}: expected a run folder of format {FORMAT} or older, got "
            f"{short_repr(version)}. Install that inkfast, or use another folder."
        )
    return content


def load_models(out: Path) -> tuple[Experiment, list[tuple[ModelSpec, TrainedModel]]]:
    """Return the experiment of a run and its finished models, ordered by seed.

    Raises:
        InkfastError: If the folder is not a comparison, or no model is finished.
    """
    if not RUN.holds(out):
        raise InkfastError(
            f"{out} is not a run: expected a folder that inkfast compare or train has made."
        )
    kind = load_identity(out)["kind"]
    if kind == NUMBERS:
        raise InkfastError(
            f"{out} has a network that reads numbers: expected a run with models of single digits. "
            "Such a network is for `inkfast read` and `inkfast export`."
        )
    if kind == CROSS_VALIDATION:
        raise InkfastError(
            f"{out} is a cross-validation, whose models were trained on its folds: expected a run "
            "of inkfast compare or train."
        )
    if kind == TUNING:
        raise InkfastError(f"{out} is a search: its best model is in {best_folder(out)}.")
    experiment = load_experiment(out)
    found = [
        (model_spec, TrainedModel.load(folder))
        for seed in range(experiment.seed, experiment.seed + experiment.seeds)
        for model_spec in experiment.models
        if ((folder := fit_folder(out, model_spec, seed)) / MODEL_FILE).is_file()
    ]
    if not found:
        raise unfinished_run(out)
    return experiment, found


def unfinished_run(out: Path) -> InkfastError:
    """Return the error for a run without a finished model."""
    return InkfastError(f"{out} has no finished model yet. Resume it: --resume.")


def fit_folder(out: Path, model_spec: ModelSpec, seed: int) -> Path:
    """Return the folder of one model's fit on one seed."""
    return out / FITS / f"{model_spec.slug}-seed{seed}"


def fold_folder(out: Path, model_spec: ModelSpec, fold: str) -> Path:
    """Return the folder of one model's fit on one fold of a cross-validation."""
    return out / FITS / f"{model_spec.slug}-{fold}"


def trial_folder(out: Path, number: int) -> Path:
    """Return the folder of a running trial of a search."""
    return out / TRIALS / str(number)


def best_trial_folder(out: Path, number: int) -> Path:
    """Return where the model of a search's best trial is kept."""
    return out / TRIALS / f"best-{number}"


def best_trial_folders(out: Path) -> list[Path]:
    """Return the folders of trials that are or were the best; all but one are to be deleted."""
    return sorted((out / TRIALS).glob("best-*"))


def owner_file(out: Path) -> Path:
    """Return the file with the name under which a search marks its trials in a shared storage."""
    return out / TRIALS / "owner"


def best_folder(out: Path) -> Path:
    """Return the run folder of a search's best recipe."""
    return out / BEST


def _check_format(out: Path) -> None:
    if (out / DATA).is_file():  # a process killed between a new run's two files leaves none
        load_identity(out)


def _check_same(out: Path, experiment: StoredExperiment, content: dict[str, Any]) -> None:
    """Raise unless a run was started with this experiment on these digits; say what differs."""
    if not (out / DATA).is_file():
        write_json(out / DATA, content)
    kept = load_identity(out)
    if kept["kind"] != content["kind"]:
        raise InkfastError(
            f"{out} holds {_KINDS.get(kept['kind'], short_repr(kept['kind']))}, not "
            f"{_KINDS[content['kind']]}. {_ELSEWHERE}"
        )
    before, now = _stored_settings(out, kept["kind"]), _settings(experiment)
    first, second = before["threads"], now["threads"]
    if first != second and _compared(before) == _compared(now):
        how = f"with --threads {first}" if first else "without --executor"
        raise InkfastError(
            f"{out} was started with another number of threads ({first or 'timed'}, now "
            f"{second or 'timed'}), on which bits depend. Resume it {how}."
        )
    changes = _differences(before, kept, now, content)
    if changes:
        raise InkfastError(f"{out} holds another run: {'; '.join(changes)}. {_ELSEWHERE}")


def differences(
    before: Experiment, kept: Mapping[str, Any], now: Experiment, identity: Mapping[str, Any]
) -> list[str]:
    """Return what differs between two runs, each as a short text with both values.

    Args:
        before: Experiment of the first run.
        kept: Its identity, see `claim_run`.
        now: Experiment of the second run.
        identity: Its identity.
    """
    return _differences(_settings(before), kept, _settings(now), identity)


def _differences(
    before: dict[str, Any], kept: Mapping[str, Any], now: dict[str, Any],
    identity: Mapping[str, Any],
) -> list[str]:  # fmt: skip
    changes = _changed_settings(_compared(before), _compared(now))
    changes += _changed_space(kept.get("space"), identity.get("space"))
    if kept.get("whole") != identity.get("whole"):
        return [*changes, "the digits of the data source differ"]
    # other settings make other parts of the same source
    parts = [p for key, p in _DIGITS.items() if not changes and kept.get(key) != identity.get(key)]
    return changes + [f"the {part} digits differ" for part in parts]


def _stored_settings(out: Path, kind: str) -> dict[str, Any]:
    """Return the resolved settings of a run, of this format or an older one."""
    return read_toml(out / EXPERIMENT) if kind == NUMBERS else _settings(load_experiment(out))


def _settings(experiment: StoredExperiment) -> dict[str, Any]:
    return tomllib.loads(experiment.to_toml())


def _compared(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what must be equal; digits are known by their SHA-256, wherever they are stored."""
    return {k: v for k, v in settings.items() if k not in ("name", "data", "threads")}


def _changed_settings(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    changes = [
        f"{key} {_values(before.get(key), now.get(key))}"
        for key in {**now, **before}
        if key != "models" and before.get(key) != now.get(key)
    ]
    models, others = ({m["name"]: m for m in e["models"]} for e in (before, now))
    if list(models) != list(others):
        return [*changes, f"models {', '.join(models)}, now {', '.join(others)}"]
    for key in dict.fromkeys(key for model in others.values() for key in model):
        pairs = {name: (models[name].get(key), other.get(key)) for name, other in others.items()}
        found = {name: _values(*pair) for name, pair in pairs.items() if pair[0] != pair[1]}
        if len(found) == len(others) and len(set(found.values())) == 1:
            changes.append(f"{key} {next(iter(found.values()))}")
        else:
            changes += [f"{key} of {name} {values}" for name, values in found.items()]
    return changes


def _values(before: object, now: object) -> str:
    return f"{short_repr(before)}, now {short_repr(now)}"


def _changed_space(before: Any, now: Any) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return []  # not a search, or one of format 1, whose storage knows its space
    return [
        f"search space of {key}: {before.get(key, 'none')}, now {now.get(key, 'none')}"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
    ]
