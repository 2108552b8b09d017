"""`SearchResult`: the trials of a search, as rows for the table, the page and ``tune.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkfast.core.io import nan_to_none, write_json
from inkfast.experiments.leaderboard import Leaderboard
from inkfast.experiments.run_folder import SEARCH

if TYPE_CHECKING:
    import optuna

# attributes of a trial in the storage
SECONDS, EPOCHS, OWNER, END = "seconds", "epochs", "owner", "end"


@dataclass(frozen=True)
class TrialRow:
    """One trial that has ended.

    Attributes:
        number: Number from 0, over all machines.
        end: finished, pruned, diverged, or refused if its values do not go together.
        accuracy: Validation accuracy of the best epoch, or of the last one of a pruned trial.
        seconds: Training time.
        epochs: Number of trained epochs.
        values: Values of the search keys, as in the storage.
    """

    number: int
    end: str
    accuracy: float
    seconds: float
    epochs: int
    values: dict[str, Any]


@dataclass(frozen=True)
class SearchResult:
    """The result of a search that has ended or was interrupted.

    Attributes:
        trials: Trials in the order of their start.
        importances: Share of each key in the variance of the validation accuracy (fANOVA, Hutter
            et al. 2014); empty if there are too few trials.
        interrupted: Whether Ctrl-C ended it.
    """

    trials: list[TrialRow]
    importances: dict[str, float]
    interrupted: bool

    @property
    def finished(self) -> list[TrialRow]:
        """Return finished trials, the best first."""
        rows = [row for row in self.trials if row.end == "finished"]
        return sorted(rows, key=lambda row: (-row.accuracy, row.number))

    def counts(self) -> str:
        """Return the number of trials with each end, as text."""
        ends = [row.end for row in self.trials]
        return ", ".join(f"{ends.count(end)} {end}" for end in dict.fromkeys(ends))

    def headline(self, board: Leaderboard) -> str:
        """Return one sentence on the best trial's validation and test accuracy."""
        low, high = board.rows[0].interval
        return (
            f"The best of {len(self.trials)} trials reads {self.finished[0].accuracy:.2%} of the "
            f"validation digits it was chosen by, and {board.rows[0].mean('accuracy'):.2%} of the "
            f"test digits (95 % interval {low:.2%} to {high:.2%})."
        )

    def write(self, out: Path) -> None:
        """Write ``tune.json``."""
        write_json(out / SEARCH, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``tune.json``; an undefined accuracy is null."""
        return {
            "complete": not self.interrupted,
            "best": self.finished[0].number if self.finished else None,
            "importances": self.importances,
            "trials": [{**vars(row), "accuracy": nan_to_none(row.accuracy)} for row in self.trials],
        }


def read_trials(study: optuna.Study, *, interrupted: bool) -> SearchResult:
    """Return the trials of a study that have ended."""
    from optuna.trial import TrialState

    rows = []
    for trial in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED)):
        value = trial.value
        if value is None:
            value = trial.intermediate_values.get(trial.last_step or 0, float("nan"))
        attributes = trial.user_attrs
        rows.append(
            TrialRow(
                trial.number, attributes.get(END, "finished"), value, attributes.get(SECONDS, 0.0),
                attributes.get(EPOCHS, 0), trial.params,
            )
        )  # fmt: skip
    return SearchResult(rows, _importances(study, rows), interrupted)


def _importances(study: optuna.Study, rows: list[TrialRow]) -> dict[str, float]:
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    finished = [row.accuracy for row in rows if row.end == "finished"]
    if len(finished) < 4 or len(set(finished)) < 2:
        return {}
    evaluator = FanovaImportanceEvaluator(seed=0)
    return {k: float(v) for k, v in get_param_importances(study, evaluator=evaluator).items()}
