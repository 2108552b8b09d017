"""`Search`: asks Optuna for the values of each trial, trains it and reports its accuracy.

Several machines may share one storage: each asks for a trial when it has room, until the study has
as many as planned. An interrupted trial is queued again.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import secrets
import shutil
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkfast.core.errors import InkfastError, StoppedError
from inkfast.core.io import write_text
from inkfast.core.random import derive_seed
from inkfast.execution import SERIAL, Executor, Observer, quiet
from inkfast.experiments.config import Experiment
from inkfast.experiments.dataset import ExperimentData
from inkfast.experiments.run_folder import (
    BEST_RECIPE,
    STUDY,
    TUNING,
    best_folder,
    best_trial_folder,
    best_trial_folders,
    claim_run,
    differences,
    fit_folder,
    owner_file,
    restore_experiment,
    trial_folder,
)
from inkfast.experiments.tuning import trials
from inkfast.experiments.tuning.plan import SearchPlan
from inkfast.training import Callback, Epoch, FitJob, FitOutcome, TrainedModel, check_recipe
from inkfast.training.batches import check_rows

if TYPE_CHECKING:  # loaded where it is used: other commands import this package as well
    import optuna


def search_identity(plan: SearchPlan, dataset: ExperimentData) -> dict[str, Any]:
    """Return what identifies a search, see `run_folder.claim_run`."""
    return {"kind": TUNING, "space": plan.space_texts(), **dataset.fingerprints()}


class Search:
    """The trials that one machine runs.

    Args:
        plan: The search.
        dataset: The digits of its experiment.
        out: The run folder.
        storage: Storage URL of Optuna; "" for a SQLite file in the folder.

    Raises:
        InkfastError: If the storage does not answer, or has another search of this name.
    """

    def __init__(
        self, plan: SearchPlan, dataset: ExperimentData, out: Path, storage: str = ""
    ) -> None:
        self.plan, self.dataset, self.out = plan, dataset, out
        self.owner = ""  # random name of this folder in the storage
        self.began = time.monotonic()
        self.running: dict[int, optuna.Trial] = {}
        self.url = storage or f"sqlite:///{out.absolute() / STUDY}"
        self.study = self._study(shared=bool(storage))

    def _study(self, *, shared: bool) -> optuna.Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        prune = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        with _storage_errors(self.url, ValueError):  # for a URL unknown to Optuna or its driver
            backend = optuna.storages.get_storage(self.url)
        with _storage_errors(self.url):
            study = optuna.create_study(
                storage=backend,
                study_name=self.plan.experiment.name,
                load_if_exists=True,
                direction="maximize",
                pruner=prune if self.plan.prune else optuna.pruners.NopPruner(),
            )
            # a resumed search draws other values, a repeated one the same; machines that start
            # together must draw different ones
            seed = derive_seed(self.plan.experiment.seed, "tuning", len(study.trials))
            seed ^= secrets.randbits(32) if shared else 0
            study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True)
            self._check_same(study.user_attrs, study.study_name)
            for key, value in self.identity().items():
                study.set_user_attr(key, value)
            study.set_user_attr("experiment", self.plan.experiment.to_toml())
        return study

    def _check_same(self, kept: dict[str, Any], name: str) -> None:
        """Raise if the storage holds a search of this name with another experiment or space."""
        if not kept:
            return
        if kept["space"] == "; ".join(map(repr, self.plan.space)):  # as format 1 wrote it
            kept = {**kept, "space": self.plan.space_texts()}
        before = restore_experiment(tomllib.loads(kept["experiment"]))
        changes = differences(before, kept, self.plan.experiment, self.identity())
        if isinstance(kept["space"], str):
            changes.append("the search space differs")
        if changes:
            raise InkfastError(
                f"the storage already holds another search named {name}: {'; '.join(changes)}. "
                "Give this one another --name."
            )

    def identity(self) -> dict[str, Any]:
        """Return what machines must share to search together, see `run_folder.claim_run`."""
        return search_identity(self.plan, self.dataset)

    def _requeue_own_trials(self) -> None:
        """Queue trials again that this folder started and did not end, as after a power cut."""
        from optuna.trial import TrialState

        name = owner_file(self.out)
        if not name.is_file():
            write_text(name, secrets.token_hex(8))
        self.owner = name.read_text(encoding="utf-8")
        for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(trials.OWNER) == self.owner:
                self._requeue(trial.number, trial.params)

    def _requeue(self, number: int, values: dict[str, object]) -> None:
        from optuna.trial import TrialState

        self.study.tell(number, state=TrialState.FAIL)
        self.study.enqueue_trial(values)
        shutil.rmtree(self._folder(number), ignore_errors=True)

    def run(
        self, observer: Observer[Epoch] = quiet, executor: Executor = SERIAL
    ) -> trials.SearchResult:
        """Run trials until there are as many as planned, the time is up, or Ctrl-C comes."""
        interrupted = False
        order: list[int] = []  # trial number of each job

        def watching(title: str, number: int, total: int) -> Callback:
            return self._trial_callback(order[number - 1], observer, title, number, total)

        with _storage_errors(self.url):
            self._requeue_own_trials()
            results = executor.results(self._jobs(order), self.plan.trials, watching)
            with closing(results):
                try:
                    for number, result in results:
                        self._record(order[number], result)
                except KeyboardInterrupt:
                    interrupted = True
            for number, trial in list(self.running.items()):
                self._requeue(number, trial.params)
            return trials.read_trials(self.study, interrupted=interrupted)

    def _jobs(self, order: list[int]) -> Iterator[FitJob]:
        while self._is_open():
            trial = self.study.ask()
            trial.set_user_attr(trials.OWNER, self.owner)
            values = {parameter.key: parameter.suggest(trial) for parameter in self.plan.space}
            try:
                experiment = self.plan.candidate(values)
                model_spec = experiment.models[0]
                check_recipe(model_spec.architecture, model_spec.recipe)
                check_rows(self.dataset.train, model_spec.recipe, experiment.seed)
            except InkfastError:  # values that are allowed separately and not together
                self._prune(trial, "refused")
                continue
            self.running[trial.number] = trial
            order.append(trial.number)
            yield FitJob(
                title=f"trial {trial.number}",
                folder=self._folder(trial.number),
                fit_spec=experiment.fit_spec(model_spec, self.dataset.train, experiment.seed),
            )

    def _is_open(self) -> bool:
        from optuna.trial import TrialState

        hours = (time.monotonic() - self.began) / 3600
        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        begun = len(self.study.get_trials(deepcopy=False, states=ended)) + self.running_elsewhere()
        should_stop = begun + len(self.running) >= self.plan.trials
        return not should_stop and not 0 < self.plan.hours <= hours

    def running_elsewhere(self) -> int:
        """Return the number of trials on other machines; after a day one is considered lost."""
        from optuna.trial import TrialState

        since = datetime.now() - timedelta(days=1)
        return sum(
            trial.user_attrs.get(trials.OWNER) != self.owner
            and (trial.datetime_start or since) > since
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        )

    def _trial_callback(
        self, number: int, observer: Observer[Epoch], title: str, at: int, of: int
    ) -> Callback:
        trial = self.running[number]
        shown = ", ".join(
            f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in trial.params.items()
        )
        callback = observer(f"{title} ({shown})", at, of)

        def should_stop(epoch: Epoch) -> bool:
            if number not in self.running:  # a late message from a worker considered dead
                return False
            trial.report(epoch.validation_accuracy, epoch.number)
            trial.set_user_attr(trials.EPOCHS, epoch.number)
            trial.set_user_attr(trials.SECONDS, epoch.seconds)
            return trial.should_prune()

        return dataclasses.replace(callback, should_stop=should_stop)

    def _record(self, number: int, result: FitOutcome) -> None:
        """Record the result of a trial; only the best trial's model is kept."""
        trial = self.running.pop(number)
        if isinstance(result, TrainedModel):
            self.study.tell(trial, result.best.validation_accuracy)
            if self.study.best_trial.number == number:
                for former in best_trial_folders(self.out):
                    shutil.rmtree(former)
                self._folder(number).rename(best_trial_folder(self.out, number))
        else:
            self._prune(trial, "pruned" if isinstance(result, StoppedError) else "diverged")
        shutil.rmtree(self._folder(number), ignore_errors=True)

    def _prune(self, trial: optuna.Trial, end: str) -> None:
        """Record a trial without a result as pruned, which Optuna learns from as a bad one."""
        from optuna.trial import TrialState

        trial.set_user_attr(trials.END, end)
        self.study.tell(trial, state=TrialState.PRUNED)

    def _folder(self, number: int) -> Path:
        return trial_folder(self.out, number)

    def make_best_run(self, best: Experiment) -> Path:
        """Write the best recipe and begin a run of it, with the best trial's model if it is here.

        Returns:
            The run folder.
        """
        write_text(self.out / BEST_RECIPE, best.to_toml())
        out = best_folder(self.out)
        claim_run(out, best, self.dataset.fingerprints(), resume=False, overwrite=out.exists())
        kept = best_trial_folder(self.out, self.study.best_trial.number)
        if kept.is_dir():
            shutil.copytree(kept, fit_folder(out, best.models[0], best.seed), dirs_exist_ok=True)
        return out

    def best(self) -> Experiment:
        """Return the experiment with the values of the best trial.

        Raises:
            InkfastError: If no trial is finished.
        """
        from optuna.trial import TrialState

        with _storage_errors(self.url):
            if not self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                raise InkfastError("no trial is finished yet. Resume the search: --resume.")
            fixed = self.study.best_trial
            import optuna

            trial = optuna.trial.FixedTrial(fixed.params)
            values = {parameter.key: parameter.suggest(trial) for parameter in self.plan.space}
        return self.plan.candidate(values)


@contextmanager
def _storage_errors(url: str, *more: type[Exception]) -> Iterator[None]:
    """Turn the errors of a database and its driver, and others given, into one sentence."""
    import optuna
    import sqlalchemy

    kinds: tuple[type[Exception], ...] = (
        sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError,
        optuna.exceptions.DuplicatedStudyError, ImportError, ConnectionError, *more,
    )  # fmt: skip
    try:
        yield
    except kinds as error:
        reason = (str(error.__cause__ or error).strip() or type(error).__name__).splitlines()[0]
        shown = re.sub(r"(?<=://)([^/@:]*):[^@]*@", r"\1:***@", url)  # no password on a screen
        raise InkfastError(
            f"`storage` {shown} cannot be used ({reason}). Give a storage URL of Optuna, e.g. "
            "sqlite:///study.db or postgresql://user@host/db with its driver installed."
        ) from None
