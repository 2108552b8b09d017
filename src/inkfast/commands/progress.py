"""What a person sees while something runs: bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from inkfast import noise as noises
from inkfast.commands.console import Printer, plain_table
from inkfast.execution import SERIAL, Executor, SweepObserver
from inkfast.experiments.cross_validation import CrossValidation
from inkfast.experiments.leaderboard import Leaderboard
from inkfast.experiments.tuning.trials import Tuned
from inkfast.training import Callback, Epoch


class Display(Printer):
    """Tells one run's story on one console."""

    _bars: Progress | None = None

    @contextmanager
    def showing(self, executor: Executor = SERIAL) -> Iterator[SweepObserver]:
        """Show progress while the block runs; fits that run side by side are told apart by name."""
        if not self.console.is_terminal:
            yield SweepObserver(
                on_fit_start=self._plain_named if executor.side_by_side else self._plain
            )
            return
        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False), TimeRemainingColumn(compact=True),
        )  # fmt: skip
        with Progress(*columns, console=self.console) as bars:
            self._bars = bars
            yield SweepObserver(on_fit_start=self._bar)

    def _plain(self, title: str, number: int, of: int) -> Callback:
        self.say(f"[{number}/{of}] {title}")
        share = [1.0]

        def step(done: float) -> None:
            share[0] = done

        def epoch(e: Epoch) -> None:
            left = e.seconds * (1 / share[0] - 1)
            self.say(
                f"  epoch {e.number}: loss {e.loss:.4f}, validation accuracy "
                f"{e.validation_accuracy:.2%}, {e.seconds:.1f} s, about {left:.0f} s left"
            )

        return Callback(
            on_progress=step,
            on_epoch_end=epoch,
            on_message=lambda sentence: self.say(f"  {sentence}"),
        )

    def _plain_named(self, title: str, number: int, of: int) -> Callback:
        def say(sentence: str) -> None:
            self.say(f"[{number}/{of}] {title}: {sentence}")

        def epoch(e: Epoch) -> None:
            say(
                f"epoch {e.number}, validation accuracy {e.validation_accuracy:.2%}, "
                f"{e.seconds:.1f} s"
            )

        return Callback(on_epoch_end=epoch, on_message=say)

    def _bar(self, title: str, number: int, of: int) -> Callback:
        bars = self._bars
        assert bars is not None  # noqa: S101 - set by `showing`, the only caller
        task: TaskID = bars.add_task(f"{title:<24.40}", total=1.0, state="starting")

        def epoch(e: Epoch) -> None:
            bars.update(task, state=f"epoch {e.number}, validation {e.validation_accuracy:.2%}")

        def say(sentence: str) -> None:
            bars.console.print(f"{title}: {sentence}", markup=False, highlight=False)
            if sentence == "already trained":
                bars.update(task, completed=1.0, state=sentence)

        return Callback(
            on_progress=lambda done: bars.update(task, completed=done),
            on_epoch_end=epoch,
            on_message=say,
        )


def leaderboard_table(board: Leaderboard) -> Table:
    """Return the leaderboard as a table for the terminal."""
    dataset = board.outcome.dataset
    noise = dataset.noise.in_words()
    title = f"{dataset.source}, {noise}, {len(dataset.test):,} test digits"
    if dataset.notice:
        title += " (not MNIST)"
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    table.add_column("model", overflow="fold")
    published = any(row.published is not None for row in board.rows)
    several = any(row.averaged is not None for row in board.rows)
    columns = ["accuracy", *(["averaged"] if several else []),
               *(["published"] if published else []), "95 % interval", "loss", "ECE", "parameters",
               "seconds"]  # fmt: skip
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in board.rows:
        spread = row.spread("accuracy")
        accuracy = f"{row.mean('accuracy'):.2%}" + (
            f" ± {100 * spread:.2f}" if spread is not None else ""
        )
        averaged = "" if row.averaged is None else f"{row.averaged:.2%}"
        theirs = "" if row.published is None else f"{row.published:.2%}"
        low, high = row.interval
        table.add_row(
            Text(row.name), accuracy, *([averaged] if several else []),
            *([theirs] if published else []),
            f"{100 * low:.2f} to {100 * high:.2f}", f"{row.mean('loss'):.4f}",
            f"{row.mean('ece'):.2%}", f"{row.n_parameters:,}", f"{row.seconds:.1f}",
        )  # fmt: skip
    return table


def folds_table(result: CrossValidation) -> Table:
    """Return a cross-validation as a table for the terminal."""
    noise = noises.build_noise(result.experiment.noise).in_words()
    title = f"{result.source.name}, {noise}, {len(result.source.train):,} training digits"
    title += " (not MNIST)" if result.source.notice else ""
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    table.add_column("model", overflow="fold")
    for column in ("folds", "accuracy", "loss", "ECE", "seconds a fit"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in result.to_json()["rows"]:
        spread = row["accuracy_std"]
        accuracy = f"{row['accuracy']:.2%}" + (f" ± {100 * spread:.2f}" if spread else "")
        table.add_row(
            Text(row["model"]), str(row["n_folds"]), accuracy, f"{row['loss']:.4f}",
            f"{row['ece']:.2%}", f"{row['train_seconds']:.1f}",
        )  # fmt: skip
    return table


def trials_table(tuned: Tuned, most: int = 5) -> Table:
    """Return the best trials of a search as a table for the terminal."""
    keys = list(tuned.finished[0].values)
    rows = [
        [
            row.number,
            f"{row.accuracy:.2%}",
            *(row.values[key] for key in keys),
            f"{row.seconds:.0f}",
        ]
        for row in tuned.finished[:most]
    ]
    return plain_table(["trial", "validation accuracy", *keys, "seconds"], [
        [f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row] for row in rows
    ])  # fmt: skip
