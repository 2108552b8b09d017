"""Fits in processes of this machine; a process that is lost is replaced and its fit goes on.

A worker writes checkpoints and the model into the job's folder itself, so what it has finished
outlives it: a retried fit starts from its last whole checkpoint, to the same bits.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from inkfast.engine.jobs import Job, Observer, Result, finished, finished_or_fit
from inkfast.errors import InkfastError
from inkfast.training import DivergedError, Epoch, StoppedError, Task, Trained, Watch

ATTEMPTS = 3  # so that a fit that kills its worker, by taking all memory, ends


@dataclass
class _Worker:
    """A process, the line to it, and what it is doing."""

    process: BaseProcess
    line: Connection
    number: int = -1
    watch: Watch = field(default_factory=Watch)


def results(
    jobs: Sequence[Job], observer: Observer, processes: int
) -> Iterator[tuple[int, Result]]:
    """Yield each job's number and result as they end, `processes` at a time."""
    waiting = deque(range(len(jobs)))
    lost = [0] * len(jobs)
    workers: list[_Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < processes:
                number = waiting.popleft()
                done, worker = _start(jobs, number, observer, lost[number])
                if done is not None:
                    yield number, done
                elif worker is not None:
                    workers.append(worker)
            ready = wait([worker.line for worker in workers], timeout=None) if workers else []
            for worker in [worker for worker in workers if worker.line in ready]:
                try:
                    result = _hear(worker, jobs[worker.number])
                except (EOFError, ConnectionResetError):
                    lost[worker.number] += 1
                    _check_attempts(lost[worker.number], jobs[worker.number])
                    worker.watch.say("its process was lost; starting it again")
                    waiting.appendleft(worker.number)
                else:
                    if result is None:
                        continue
                    yield worker.number, result
                _end(worker)
                workers.remove(worker)
    finally:
        for worker in workers:
            _end(worker)


def _start(
    jobs: Sequence[Job], number: int, observer: Observer, lost: int
) -> tuple[Trained | None, _Worker | None]:
    """Return the model that is already there, or a process that makes it."""
    job = jobs[number]
    watch = Watch() if lost else observer.fit(job.title, number + 1, len(jobs))
    task = job.make()
    there = finished(task, job.folder, watch)
    if there is not None:
        return there, None
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of the line
    ours.send((task, job.folder))
    return None, _Worker(process, ours, number, watch)


def _hear(worker: _Worker, job: Job) -> Result | None:
    """Pass on what a worker says; return a result once there is one."""
    kind, value = worker.line.recv()
    if kind == "epoch":
        worker.watch.epoch(value)
        worker.line.send(worker.watch.enough(value))
    elif kind == "step":
        worker.watch.step(value)
    elif kind == "say":
        worker.watch.say(value)
    elif kind == "trained":
        return Trained.load(job.folder)
    elif kind == "ended":
        ended: Result = value
        return ended
    elif kind == "failed":
        raise value
    return None


def _end(worker: _Worker) -> None:
    worker.line.close()
    worker.process.terminate()
    worker.process.join()


def _check_attempts(lost: int, job: Job) -> None:
    if lost >= ATTEMPTS:
        raise InkfastError(
            f"{job.title}: its process was lost {lost} times, as happens when memory runs out. "
            "Take fewer processes: --engine local:1."
        )


def _work(line: Connection) -> None:
    """Train the one job that comes down the line; runs in the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    with contextlib.suppress(EOFError, OSError):  # that process has gone: nobody is left to tell
        task, folder = line.recv()
        line.send(answer(task, folder, line))


def answer(task: Task, folder: Any, line: Any) -> tuple[str, Any]:
    """Train, telling `line` of it, and return the last message: trained, ended or failed.

    Args:
        task: What to train.
        folder: Where the model goes.
        line: Has `send`, and `recv` for the reply to an epoch: whether to stop.
    """

    def enough(epoch: Epoch) -> bool:
        line.send(("epoch", epoch))
        return bool(line.recv())

    watch = Watch(
        step=lambda share: line.send(("step", share)),
        say=lambda sentence: line.send(("say", sentence)),
        enough=enough,
    )
    try:
        result = finished_or_fit(task, folder, watch)
    except Exception as error:  # whatever it is, it is raised where the sweep was started
        return "failed", error
    if isinstance(result, DivergedError | StoppedError):
        return "ended", result
    return "trained", None
