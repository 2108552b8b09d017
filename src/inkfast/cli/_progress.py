"""Progress of fits: bars on a terminal, plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from inkfast.cli._console import Printer
from inkfast.execution import SERIAL, Executor, Observer
from inkfast.training import Callback, Epoch
from inkfast.training.number_model import NumberEpoch


class Display(Printer):
    """Prints the progress of a run."""

    _bars: Progress | None = None

    @contextmanager
    def showing(self, executor: Executor = SERIAL) -> Iterator[Observer[Any]]:
        """Show progress while the block runs; concurrent fits are told apart by name."""
        if not self.console.is_terminal:
            yield self._plain_named if executor.concurrent else self._plain
            return
        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False), TimeRemainingColumn(compact=True),
        )  # fmt: skip
        with Progress(*columns, console=self.console) as bars:
            self._bars = bars
            yield self._bar

    def _plain(self, title: str, number: int, of: int) -> Callback:
        self.say(f"[{number}/{of}] {title}")
        share = [1.0]

        def step(done: float) -> None:
            share[0] = done

        def epoch(e: Epoch | NumberEpoch) -> None:
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

        def epoch(e: Epoch | NumberEpoch) -> None:
            say(
                f"epoch {e.number}, validation accuracy {e.validation_accuracy:.2%}, "
                f"{e.seconds:.1f} s"
            )

        return Callback(on_epoch_end=epoch, on_message=say)

    def _bar(self, title: str, number: int, of: int) -> Callback:
        bars = self._bars
        assert bars is not None  # noqa: S101 - set by `showing`, the only caller
        task: TaskID = bars.add_task(f"{title:<24.40}", total=1.0, state="starting")

        def epoch(e: Epoch | NumberEpoch) -> None:
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
