"""Jobs on a Ray cluster: data travels out, and results come back as the bytes of their files.

Machines share no disk. What is finished is stored on the machine that started the sweep; a job
whose machine was lost starts again elsewhere, from its beginning, and ends with the same bits.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from functools import partial
from typing import Any, Generic

from inkfast.core.errors import InkfastError
from inkfast.execution.base import ATTEMPTS
from inkfast.execution.job import (
    Callback,
    Job,
    Metrics,
    Observer,
    Outcome,
    Result,
    attempt,
    outcome_of,
)  # fmt: skip
from inkfast.execution.ray_connection import fetch


class _MessageBoard:
    """Lives on the machine that started the sweep; keeps messages of jobs until they are read."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, Any]] = []
        self.stopped: set[int] = set()

    def post(self, number: int, name: str, value: Any) -> bool:
        """Keep a message of a job; return whether the job is to stop."""
        self.messages.append((number, name, value))
        return number in self.stopped

    def read(self, stop: list[int]) -> list[tuple[int, str, Any]]:
        """Return new messages, and note which jobs are to stop."""
        self.stopped.update(stop)
        messages, self.messages = self.messages, []
        return messages


def _work(job: Job[Any, Any], data: object, number: int, board: Any) -> Any:
    """Run one job and return its files, or its error; runs in a worker of the cluster."""
    import ray

    done = [0.0]

    def step(share: float) -> None:  # a message for each step would cost more than it is worth
        done[0] = share

    def say(sentence: str) -> None:
        post("say", sentence)

    def post(name: str, value: Any) -> bool:
        return bool(ray.get(board.post.remote(number, name, value)))

    def should_stop(metrics: Any) -> bool:
        return post("epoch", (done[0], metrics))

    callback = Callback[Any](on_progress=step, on_message=say, should_stop=should_stop)
    return attempt(partial(job.run_detached, data, callback))


class RaySweep(Generic[Metrics, Result]):
    """The jobs of one sweep on the cluster that this process has joined.

    Args:
        jobs: Jobs, taken when a core is free.
        total: Number of jobs at most.
        observer: Called at the start of each job.
    """

    def __init__(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> None:
        import ray

        self.ray, self.total, self.observer = ray, total, observer
        self.waiting = enumerate(jobs)
        self.running: dict[Any, tuple[int, Job[Metrics, Result]]] = {}
        self.callbacks: dict[int, Callback[Metrics]] = {}
        self.stop: list[int] = []
        self.threads = 1  # of a job
        self.data: tuple[object, Any] = (None, None)  # the last data sent, and its reference
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        board = ray.remote(_MessageBoard).options(num_cpus=0, scheduling_strategy=here)
        self.board = board.remote()

    def results(self) -> Generator[tuple[int, Outcome[Result]]]:
        """Yield each job's number and its outcome, in the order in which they end."""
        while True:
            yield from self._send_out()
            if not self.running:
                return
            ready, _ = self.ray.wait(list(self.running), timeout=0.5)
            self._listen()
            for reference in ready:
                number, job = self.running.pop(reference)
                self.callbacks[number].on_progress(1.0)
                yield number, outcome_of(partial(_received, reference, job))

    def _send_out(self) -> Iterator[tuple[int, Outcome[Result]]]:
        """Give every free core a job; jobs already finished are yielded at once."""
        while not self.running or (len(self.running) + 1) * self.threads <= sum(self._cores()):
            number, job = next(self.waiting, (-1, None))
            if job is None:
                return
            callback = self.callbacks[number] = self.observer(job.title, number + 1, self.total)
            stored = job.finished(callback)
            if stored is not None:
                yield number, stored
                continue
            self.threads = job.threads
            self._check_room(job)
            work = self.ray.remote(_work).options(num_cpus=self.threads, max_retries=ATTEMPTS - 1)
            bare, data = job.detach()
            sent = work.remote(bare, self._sent(data), number, self.board)
            self.running[sent] = (number, job)

    def _sent(self, data: object) -> Any:
        """Return the cluster's reference of data; the same data is sent once."""
        if self.data[0] is not data:
            self.data = (data, self.ray.put(data))
        return self.data[1]

    def _cores(self) -> list[float]:
        """The cores of each machine: asked again each time, since machines come and go."""
        nodes = self.ray.nodes()
        return [node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]]

    def _check_room(self, job: Job[Metrics, Result]) -> None:
        most = max(self._cores())
        if self.threads > most:
            raise InkfastError(
                f"{job.title} needs {self.threads} threads and no machine of the cluster has more "
                f"than {most:.0f} cores. Use fewer --threads."
            )

    def _listen(self) -> None:
        running = dict(self.running.values())
        for number, name, value in self.ray.get(self.board.read.remote(self.stop)):
            if number not in running:  # a machine taken for lost may still post about an ended job
                continue
            callback = self.callbacks[number]
            if name == "say":
                callback.on_message(value)
                continue
            share, metrics = value
            callback.on_epoch_end(metrics)
            callback.on_progress(share)
            if callback.should_stop(metrics):
                self.stop.append(number)


def _received(reference: Any, job: Job[Metrics, Result]) -> Result:
    """Store the files of a job on this machine."""
    files = fetch(reference, f"{job.title}: ")
    return job.store(files)
