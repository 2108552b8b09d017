"""`Tuned`: what a search has found, as rows for the table, the page and ``tune.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkfast.core.io import nan_to_none, write_json
from inkfast.experiments.leaderboard import Leaderboard
from inkfast.experiments.run_folder import SEARCH

if TYPE_CHECKING:
    import optuna

# what a trial notes of itself in the storage
SECONDS, EPOCHS, OWNER, END = "seconds", "epochs", "owner", "end"


@dataclass(frozen=True)
class TrialRow:
    """One trial that has ended.

    Attributes:
        number: From 0, over all machines.
        end: finished, pruned, diverged or refused, whose values do not go together.
        accuracy: On validation rows: of the best epoch, or of the last one before it was pruned.
        seconds: Spent training.
        epochs: Trained.
        values: Of the search keys, as the storage keeps them.
    """

    number: int
    end: str
    accuracy: float
    seconds: float
    epochs: int
    values: dict[str, Any]


@dataclass(frozen=True)
class SearchResult:
    """A search that has ended, or was interrupted.

    Attributes:
        trials: In the order in which they began.
        importances: Share of each key in the variance of the validation accuracy (fANOVA, Hutter
            et al. 2014), empty where there are too few trials to say.
        interrupted: Whether Ctrl-C came.
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
        """Say how many trials ended how."""
        ends = [row.end for row in self.trials]
        return ", ".join(f"{ends.count(end)} {end}" for end in dict.fromkeys(ends))

    def headline(self, board: Leaderboard) -> str:
        """Say in one sentence what the best trial reached, on validation and on test."""
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
        """Return what ``tune.json`` holds; an undefined figure is null."""
        return {
            "complete": not self.interrupted,
            "best": self.finished[0].number if self.finished else None,
            "importances": self.importances,
            "trials": [{**vars(row), "accuracy": nan_to_none(row.accuracy)} for row in self.trials],
        }


def read_trials(study: optuna.Study, *, interrupted: bool) -> SearchResult:
    """Return what a study holds of trials that have ended."""
    from optuna.trial import TrialState

    rows = []
    for trial in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED)):
        value = trial.value
        if value is None:
            value = trial.intermediate_values.get(trial.last_step or 0, float("nan"))
        noted = trial.user_attrs
        rows.append(
            TrialRow(
                trial.number, noted.get(END, "finished"), value, noted.get(SECONDS, 0.0),
                noted.get(EPOCHS, 0), trial.params,
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
