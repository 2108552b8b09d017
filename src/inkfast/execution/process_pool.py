"""Fits in processes of this machine; a process that is lost is replaced and its fit goes on.

A worker writes checkpoints and the model into the job's folder itself, so what it has finished
outlives it: a retried fit starts from its last whole checkpoint, to the same bits.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from inkfast.core.errors import DivergedError, InkfastError, StoppedError
from inkfast.core.processes import block_sigint
from inkfast.execution.jobs import FitJob, FitOutcome, SweepObserver, finished, finished_or_fit
from inkfast.training import Callback, Epoch, FitSpec, TrainedModel

ATTEMPTS = 3  # so that a fit that kills its worker, by taking all memory, ends


@dataclass
class _Worker:
    """A process, the line to it, and what it is doing."""

    number: int
    job: FitJob
    callback: Callback
    process: BaseProcess
    line: Connection
    lost: int

    @classmethod
    def start(cls, number: int, job: FitJob, callback: Callback, lost: int = 0) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        try:
            with block_sigint():
                process.start()
        except KeyboardInterrupt:  # it came meanwhile, and nobody knows of the process yet
            process.terminate()
            raise
        theirs.close()  # so that the end of the process is the end of the line
        return cls(number, job, callback, process, ours, lost)

    def hear(self) -> FitOutcome | None:
        """Pass on what the process says; return a result once there is one."""
        kind, value = self.line.recv()
        if kind == "ready":  # only now, so that nobody waits while the process imports torch
            self.line.send((self.job.fit_spec, self.job.folder))
        elif kind == "epoch":
            self.callback.on_epoch_end(value)
            self.line.send(self.callback.should_stop(value))
        elif kind == "step":
            self.callback.on_progress(value)
        elif kind == "say":
            self.callback.on_message(value)
        elif kind == "trained":
            return TrainedModel.load(self.job.folder)
        elif kind == "ended":
            ended: FitOutcome = value
            return ended
        elif kind == "failed":
            raise value
        return None

    def again(self) -> _Worker:
        """Return another process for the same job, after this one was lost."""
        lost = self.lost + 1
        if lost >= ATTEMPTS:
            raise InkfastError(
                f"{self.job.title}: its process was lost {lost} times, as happens when memory runs "
                "out. Take fewer processes, or --executor serial, and go on with --resume."
            )
        self.callback.on_message("its process was lost; starting it again")
        return _Worker.start(self.number, self.job, self.callback, lost)

    def end(self) -> None:
        self.line.close()
        self.process.terminate()
        self.process.join()


def results(
    jobs: Iterable[FitJob], total: int, observer: SweepObserver, processes: int
) -> Generator[tuple[int, FitOutcome]]:
    """Yield each job's number and result as they end, `processes` at a time."""
    waiting = enumerate(jobs)
    workers: list[_Worker] = []
    try:
        while True:
            while len(workers) < processes and (following := next(waiting, None)) is not None:
                number, job = following
                callback = observer.on_fit_start(job.title, number + 1, total)
                there = finished(job.fit_spec, job.folder, callback)
                if there is not None:
                    yield number, there
                else:
                    workers.append(_Worker.start(number, job, callback))
            if not workers:
                return
            for line in wait([worker.line for worker in workers]):
                at = next(i for i, worker in enumerate(workers) if worker.line is line)
                worker = workers[at]
                try:
                    result = worker.hear()
                except (EOFError, ConnectionError):
                    worker.end()
                    workers[at] = worker.again()
                    continue
                if result is not None:
                    worker.end()
                    del workers[at]
                    yield worker.number, result
    finally:
        for worker in workers:
            worker.end()


def _work(line: Connection) -> None:
    """Train the one job that comes down the line; runs in the worker."""
    with contextlib.suppress(EOFError, OSError):  # that process has gone: nobody is left to tell
        line.send(("ready", None))
        fit_spec, folder = line.recv()
        line.send(answer(fit_spec, folder, line))


def answer(fit_spec: FitSpec, folder: Any, line: Any) -> tuple[str, Any]:
    """Train, telling `line` of it, and return the last message: trained, ended or failed.

    Args:
        fit_spec: What to train.
        folder: Where the model goes.
        line: Has `send`, and `recv` for the reply to an epoch: whether to stop.
    """

    def should_stop(epoch: Epoch) -> bool:
        line.send(("epoch", epoch))
        return bool(line.recv())

    callback = Callback(
        on_progress=lambda share: line.send(("step", share)),
        on_message=lambda sentence: line.send(("say", sentence)),
        should_stop=should_stop,
    )
    try:
        result = finished_or_fit(fit_spec, folder, callback)
    except Exception as error:  # whatever it is, it is raised where the sweep was started
        return "failed", error
    if isinstance(result, DivergedError | StoppedError):
        return "ended", result
    return "trained", None
