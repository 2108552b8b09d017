"""`Search`: asks Optuna for values, has them trained, and tells it what came of them.

Several machines may share one storage: each asks for the next trial when it has room, until the
study holds as many as were planned. A trial that was interrupted is asked for again.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from inkfast.core.errors import InkfastError, StoppedError
from inkfast.core.io import write_text
from inkfast.core.random import derive_seed
from inkfast.execution import QUIET, SERIAL, Executor, FitJob, FitOutcome, SweepObserver
from inkfast.experiments.config import Experiment
from inkfast.experiments.dataset import ExperimentData
from inkfast.experiments.runner import fit_folder
from inkfast.experiments.tuning import trials
from inkfast.experiments.tuning.plan import Plan
from inkfast.training import Callback, Epoch, TrainedModel, check_recipe
from inkfast.training.batches import check_rows

if TYPE_CHECKING:
    import optuna


class Search:
    """The trials of one command on one machine.

    Args:
        plan: What is searched.
        dataset: The digits.
        out: The run folder.
        storage: Optuna's storage URL; "" for a SQLite file in the folder.

    Raises:
        InkfastError: If the storage does not answer, or holds another search of this name.
    """

    def __init__(self, plan: Plan, dataset: ExperimentData, out: Path, storage: str = "") -> None:
        self.plan, self.dataset, self.out = plan, dataset, out
        self.owner = ""  # of this folder, on whatever machine: told apart by chance, not by name
        self.began = time.monotonic()
        self.running: dict[int, optuna.Trial] = {}
        self.url = storage or f"sqlite:///{out.absolute()}/study.db"
        self.study = self._study(shared=bool(storage))

    def _study(self, *, shared: bool) -> optuna.Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        prune = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        with _answering(self.url, ValueError):  # of a URL that Optuna or a driver does not know
            backend = optuna.storages.get_storage(self.url)
        with _answering(self.url):
            study = optuna.create_study(
                storage=backend,
                study_name=self.plan.experiment.name,
                load_if_exists=True,
                direction="maximize",
                pruner=prune if self.plan.prune else optuna.pruners.NopPruner(),
            )
            # another draw when it goes on, the same one when it is begun again; machines that begin
            # together must not draw the same
            seed = derive_seed(self.plan.experiment.seed, "tuning", len(study.trials))
            seed ^= secrets.randbits(32) if shared else 0
            study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=True)
            searched = self._searched()
            if study.user_attrs and study.user_attrs != searched:
                raise InkfastError(
                    f"the storage already holds another search named {study.study_name}: its "
                    "space, digits, noise, seed or recipe differ. Give this one another --name."
                )
            for key, value in searched.items():
                study.set_user_attr(key, value)
        return study

    def _searched(self) -> dict[str, str]:
        """Return what machines must share to search together: all but names, places and threads."""
        same = dataclasses.replace(self.plan.experiment, name="", data="", threads=0)
        return {
            "space": self.plan.described(),
            "experiment": same.to_toml(),
            **self.dataset.fingerprints(),
        }

    def _take_up(self) -> None:
        """Ask again for trials that this folder began and never ended, as after a power cut."""
        from optuna.trial import TrialState

        name = self.out / "trials" / "owner"
        if not name.is_file():
            write_text(name, secrets.token_hex(8))
        self.owner = name.read_text(encoding="utf-8")
        for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
            if trial.user_attrs.get(trials.OWNER) == self.owner:
                self._give_back(trial.number, trial.params)

    def _give_back(self, number: int, values: dict[str, object]) -> None:
        from optuna.trial import TrialState

        self.study.tell(number, state=TrialState.FAIL)
        self.study.enqueue_trial(values)
        shutil.rmtree(self._folder(number), ignore_errors=True)

    def run(self, observer: SweepObserver = QUIET, executor: Executor = SERIAL) -> trials.Tuned:
        """Run trials until there are as many as planned, or time is over, or Ctrl-C comes."""
        interrupted = False
        order: list[int] = []  # trial number of each job
        watching = SweepObserver(
            fit=lambda *words: self._watch(order[words[1] - 1], observer, *words)
        )
        with _answering(self.url):
            self._take_up()
            results = executor.results(self._jobs(order), self.plan.trials, watching)
            with closing(results):
                try:
                    for number, result in results:
                        self._tell(order[number], result)
                except KeyboardInterrupt:
                    interrupted = True
            for number, trial in list(self.running.items()):
                self._give_back(number, trial.params)
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
            except InkfastError:  # values that are allowed one by one and not together
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
        begun = len(self.study.get_trials(deepcopy=False, states=ended)) + self.elsewhere()
        should_stop = begun + len(self.running) >= self.plan.trials
        return not should_stop and not 0 < self.plan.hours <= hours

    def elsewhere(self) -> int:
        """Return how many trials run on other machines; one begun a day ago is taken for lost."""
        from optuna.trial import TrialState

        since = datetime.now() - timedelta(days=1)
        return sum(
            trial.user_attrs.get(trials.OWNER) != self.owner
            and (trial.datetime_start or since) > since
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        )

    def _watch(
        self, number: int, observer: SweepObserver, title: str, at: int, of: int
    ) -> Callback:
        trial = self.running[number]
        shown = ", ".join(
            f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in trial.params.items()
        )
        callback = observer.fit(f"{title} ({shown})", at, of)

        def should_stop(epoch: Epoch) -> bool:
            if number not in self.running:  # told late, by a machine that was taken for dead
                return False
            trial.report(epoch.validation_accuracy, epoch.number)
            trial.set_user_attr(trials.EPOCHS, epoch.number)
            trial.set_user_attr(trials.SECONDS, epoch.seconds)
            return trial.should_prune()

        return dataclasses.replace(callback, should_stop=should_stop)

    def _tell(self, number: int, result: FitOutcome) -> None:
        """Note a trial's outcome; of the models, only the best one's is kept."""
        trial = self.running.pop(number)
        if isinstance(result, TrainedModel):
            self.study.tell(trial, result.best.validation_accuracy)
            if self.study.best_trial.number == number:
                for former in self.out.glob("trials/best-*"):
                    shutil.rmtree(former)
                self._folder(number).rename(self._kept(number))
        else:
            self._prune(trial, "pruned" if isinstance(result, StoppedError) else "diverged")
        shutil.rmtree(self._folder(number), ignore_errors=True)

    def _prune(self, trial: optuna.Trial, end: str) -> None:
        """Note a trial without a result: Optuna takes a pruned one for bad, and learns from it."""
        from optuna.trial import TrialState

        trial.set_user_attr(trials.END, end)
        self.study.tell(trial, state=TrialState.PRUNED)

    def _folder(self, number: int) -> Path:
        return self.out / "trials" / str(number)

    def _kept(self, number: int) -> Path:
        return self.out / "trials" / f"best-{number}"

    def hand_over(self, best: Experiment) -> None:
        """Put the best trial's model where the run of `best` looks for it, if it is here."""
        kept = self._kept(self.study.best_trial.number)
        if kept.is_dir():
            place = fit_folder(self.out / "best", best.models[0], best.seed)
            shutil.copytree(kept, place, dirs_exist_ok=True)

    def best(self) -> Experiment:
        """Return the experiment with the values of the best trial.

        Raises:
            InkfastError: If no trial has finished.
        """
        from optuna.trial import TrialState

        with _answering(self.url):
            if not self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
                raise InkfastError("no trial has finished yet. Go on: --resume.")
            fixed = self.study.best_trial
            import optuna

            trial = optuna.trial.FixedTrial(fixed.params)
            values = {parameter.key: parameter.suggest(trial) for parameter in self.plan.space}
        return self.plan.candidate(values)


@contextmanager
def _answering(url: str, *more: type[Exception]) -> Iterator[None]:
    """Turn whatever a data base or its driver raises, and what more is named, into one sentence."""
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
