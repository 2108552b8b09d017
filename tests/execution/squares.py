"""A job that needs no torch, so that its processes start quickly; and an observer."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inkfast.core.errors import InkfastError, StoppedError
from inkfast.execution import Callback

EPOCHS = 3


def worker_processes() -> list[Any]:
    """Return the workers of executors that run; other tests may have left other processes."""
    spawned = multiprocessing.get_context("spawn").Process
    return [child for child in multiprocessing.active_children() if isinstance(child, spawned)]


@dataclasses.dataclass(frozen=True)
class SquareJob:
    """Squares a number in some epochs; its metrics are the epoch and the process it runs in.

    Attributes:
        folder: Where the result goes, and the number of finished epochs.
        value: The number.
        epochs: Number of epochs.
        fails: Whether it ends with an error.
        threads: Number of cores that a cluster reserves.
    """

    folder: Path
    value: int
    epochs: int = EPOCHS
    fails: bool = False
    threads: int = 1

    @property
    def title(self) -> str:
        return f"square {self.value}"

    def finished(self, callback: Callback[Any]) -> int | None:
        file = self.folder / "result"
        if not file.is_file():
            return None
        callback.on_message("already done")
        return int(file.read_text())

    def run(self, callback: Callback[Any]) -> int:
        found = self.finished(callback)
        if found is not None:
            return found
        self.folder.mkdir(parents=True, exist_ok=True)
        progress = self.folder / "epoch"
        done = int(progress.read_text()) if progress.is_file() else 0
        if done:
            callback.on_message(f"resumed after epoch {done}")
        if self.fails:
            raise InkfastError(f"{self.title} cannot be computed.")
        for epoch in range(done + 1, self.epochs + 1):
            progress.write_text(str(epoch))
            callback.on_progress(epoch / self.epochs)
            metrics = (epoch, os.getpid())
            callback.on_epoch_end(metrics)
            if callback.should_stop(metrics):
                raise StoppedError(f"stopped after epoch {epoch}")
        return self._keep()

    def _keep(self) -> int:
        (self.folder / "epoch").unlink()
        (self.folder / "result").write_text(str(self.value**2))
        return self.value**2

    def begin(self, callback: Callback[Any]) -> _SteppedSquare | None:
        """Even numbers advance together."""
        return None if self.value % 2 or self.fails else _SteppedSquare(self, callback)

    def detach(self) -> tuple[SquareJob, object]:
        return dataclasses.replace(self, value=0), self.value

    def run_detached(self, data: Any, callback: Callback[Any]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            job = dataclasses.replace(self, folder=Path(folder), value=data)
            return {"result": str(job.run(callback)).encode()}

    def store(self, files: Mapping[str, bytes]) -> int:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "result").write_bytes(files["result"])
        return int(files["result"])


class _SteppedSquare:
    """A job that runs when it is first advanced."""

    group = "even"

    def __init__(self, job: SquareJob, callback: Callback[Any]) -> None:
        self.job, self.callback, self.ended = job, callback, False
        self.result: int | StoppedError = 0

    def advance(self, others: Sequence[_SteppedSquare]) -> None:
        for one in (self, *others):
            assert one.group == self.group
            try:
                one.result = one.job.run(one.callback)
            except StoppedError as error:
                one.result = error
            one.ended = True

    def finish(self) -> int:
        if isinstance(self.result, StoppedError):
            raise self.result
        return self.result


class Witness:
    """An observer that notes what it is called with, and may do something at each epoch.

    Args:
        at_epoch: Called with the job's title and what the job has said.
    """

    def __init__(self, at_epoch: Callable[[str, list[str]], None] = lambda title, said: None):
        self.begun: list[tuple[str, int, int]] = []
        self.epochs: list[tuple[str, Any]] = []
        self.said: list[str] = []
        self.by_title: dict[str, list[str]] = {}
        self.at_epoch = at_epoch

    def __call__(self, title: str, number: int, total: int) -> Callback[Any]:
        self.begun.append((title, number, total))

        def epoch(metrics: Any) -> None:
            self.epochs.append((title, metrics))
            self.at_epoch(title, self.by_title[title])

        def say(sentence: str) -> None:
            self.said.append(sentence)
            self.by_title[title].append(sentence)

        self.by_title[title] = []
        return Callback(on_epoch_end=epoch, on_message=say)
