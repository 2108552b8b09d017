"""Processes of this machine; one that is lost is started again and its work resumed.

A job stores checkpoints and result itself, so what it has finished outlives its process: a job that
is started again resumes from its last checkpoint, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Generic

from inkfast.core.errors import InkfastError
from inkfast.execution.base import ATTEMPTS, Executor, Item, State, in_order, lost_worker
from inkfast.execution.job import (
    Callback,
    Job,
    Metrics,
    Observer,
    Outcome,
    Result,
    attempt,
    outcome_of,
)
from inkfast.execution.worker import Worker, WorkerLostError, wait_for
from inkfast.execution.worker_pool import WorkerPool


class ProcessExecutor(Executor):
    """Runs each job in a process of its own, and short calls in a pool of processes.

    Args:
        processes: Number of processes at the same time.
    """

    def __init__(self, processes: int) -> None:
        self.processes = processes

    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """See `Executor.results`."""
        waiting = enumerate(jobs)
        running: list[_RunningJob[Metrics, Result]] = []
        try:
            while True:
                while len(running) < self.processes and (following := next(waiting, None)):
                    number, job = following
                    callback = observer(job.title, number + 1, total)
                    stored = job.finished(callback)
                    if stored is not None:
                        yield number, stored
                    else:
                        running.append(_RunningJob(number, job, callback))
                        running[-1].worker.start()
                if not running:
                    return
                ready = [running[i] for i in wait_for([one.worker for one in running])]
                for one in ready:
                    outcome = one.receive()
                    if outcome is not None:
                        running.remove(one)
                        yield one.number, outcome
        finally:
            for one in running:
                one.worker.close()

    def map(
        self, function: Callable[[State, Item], Result], state: State, items: Iterable[Item]
    ) -> Generator[Result]:
        """See `Executor.map`."""
        with (
            ThreadPoolExecutor(self.processes) as threads,
            WorkerPool(function, state, self.processes) as pool,
        ):
            try:
                yield from in_order(
                    lambda item: threads.submit(_call, pool, item).result,
                    items,
                    2 * self.processes + 1,  # the next item waits for each process
                )
            finally:
                threads.shutdown(wait=False, cancel_futures=True)


def _call(pool: WorkerPool[State, Item, Result], item: Item) -> Result:
    for _ in range(ATTEMPTS):
        try:
            return pool.call(item)
        except WorkerLostError:
            continue
    raise lost_worker("a process")


class _RunningJob(Generic[Metrics, Result]):
    """A job and the process that runs it."""

    def __init__(self, number: int, job: Job[Metrics, Result], callback: Callback[Metrics]) -> None:
        self.number, self.job, self.callback = number, job, callback
        self.worker = Worker(_serve_job)
        self.lost = 0

    def receive(self) -> Outcome[Result] | None:
        """Handle one message of the process; return the outcome once there is one."""
        try:
            name, value = self.worker.receive()
        except WorkerLostError:
            self._restart()
            return None
        match name:
            case "ready":  # only now, so that nobody waits while the process starts
                self._reply(self.job)
            case "on_progress" | "on_epoch_end" | "on_message":
                getattr(self.callback, name)(value)
            case "should_stop":
                self._reply(self.callback.should_stop(value))
            case "ended":
                self.worker.close()
                return outcome_of(partial(self._result, value))
        return None

    def _result(self, error: Exception | None) -> Result:
        if error is not None:
            raise error
        stored = self.job.finished(Callback())  # on the disk that both share
        if stored is None:
            raise InkfastError(f"{self.job.title}: its result is gone. Continue with --resume.")
        return stored

    def _reply(self, message: Any) -> None:
        with suppress(WorkerLostError):  # noticed by the next `receive`
            self.worker.send(message)

    def _restart(self) -> None:
        self.lost += 1
        if self.lost >= ATTEMPTS:
            raise lost_worker(f"{self.job.title}: its process")
        self.callback.on_message("its process was lost; starting it again")
        self.worker.stop()
        self.worker.start()


def _serve_job(pipe: Connection) -> None:
    """Run the one job that comes through the pipe, and send what its callback is called with."""

    def sends(name: str) -> Callable[[Any], None]:
        return lambda value: pipe.send((name, value))

    def should_stop(metrics: Any) -> bool:
        pipe.send(("should_stop", metrics))
        return bool(pipe.recv())

    pipe.send(("ready", None))
    job: Job[Any, Any] = pipe.recv()
    callback = Callback[Any](
        on_progress=sends("on_progress"),
        on_epoch_end=sends("on_epoch_end"),
        on_message=sends("on_message"),
        should_stop=should_stop,
    )
    _, error = attempt(partial(job.run, callback))
    pipe.send(("ended", error))
