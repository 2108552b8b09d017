"""A Ray cluster: data travels out, and results come back as the bytes of their files.

Machines share no disk. What is finished is stored on the machine that started the sweep; a job
whose machine was lost starts again elsewhere, from its beginning, and ends with the same bits.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import cycle
from typing import Any, Generic

from inkfast.core.errors import InkfastError
from inkfast.execution.base import ATTEMPTS, Executor, Item, State, in_order
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

_START = (
    "Start one with `RAY_AUTH_MODE=token ray start --head --port 6379`, docs/cluster.md says how, "
    "or leave the address out: --executor ray."
)


class RayExecutor(Executor):
    """Runs jobs and short calls on a Ray cluster, as many at a time as it has cores.

    Args:
        address: ``HOST:PORT`` of the cluster's head; "" starts a cluster on this machine alone.
    """

    def __init__(self, address: str = "") -> None:
        self.address = address

    def open(self) -> AbstractContextManager[None]:
        """Join the cluster, or start one, and leave it at the end.

        Raises:
            InkfastError: If Ray is not installed, nothing answers, or it asks for another token.
        """
        return _connected(self.address)

    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """See `Executor.results`."""
        return _Sweep(jobs, total, observer).results()

    def map(
        self, function: Callable[[State, Item], Result], state: State, items: Iterable[Item]
    ) -> Generator[Result]:
        """See `Executor.map`; an actor on each core."""
        import ray

        number = max(1, int(ray.cluster_resources().get("CPU", 1)))
        kind = ray.remote(_CallActor).options(
            num_cpus=1, max_restarts=ATTEMPTS - 1, max_task_retries=ATTEMPTS - 1
        )
        actors = cycle([kind.remote() for _ in range(number)])
        # in a list, so that each actor fetches it once, and not for each item
        first = [ray.put((function, state))]

        def submit(item: Item) -> Callable[[], Result]:
            return partial(_fetch, next(actors).call.remote(first, item))

        yield from in_order(submit, items, 2 * number + 1)


class _CallActor:
    """Lives on a core of the cluster and computes what it is sent.

    It is made without arguments, so that Ray can make it again when its machine is lost.
    """

    def __init__(self) -> None:
        self.first: tuple[Callable[[Any, Any], Any], Any] | None = None

    def call(self, first: list[Any], item: Any) -> Any:
        """Return the function's value for an item; the function is fetched with the first item."""
        import ray

        if self.first is None:
            (self.first,) = ray.get(first)
        function, state = self.first
        return attempt(partial(function, state, item))


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


class _Sweep(Generic[Metrics, Result]):
    """The jobs of one sweep: those that wait, and those that run."""

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
    files = _fetch(reference, f"{job.title}: ")
    return job.store(files)


def _fetch(reference: Any, title: str = "") -> Any:
    """Return what `attempt` returned elsewhere, or raise its error."""
    import ray

    try:
        result, error = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise InkfastError(
            f"{title}the cluster gave up ({_first_line(error)}). Every machine needs the same "
            "inkfast; continue with --resume."
        ) from None
    if error is not None:
        raise error
    return result


@contextmanager
def _connected(address: str) -> Iterator[None]:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise InkfastError(
            "`executor` ray needs Ray: pip install 'ray>=2.59', or use --executor local:2."
        ) from None
    where: dict[str, Any] = {"address": address}
    if address:
        _check_reachable(address)
    else:
        # 127.0.0.1 alone, where Ray would listen on every interface; it makes a token of its own
        where = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**where, logging_level="error", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InkfastError(
            f"no Ray cluster at {address or 'this machine'}: {_first_line(error)} {_START}"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if os.environ.get("RAY_AUTH_MODE") != "token":
        raise InkfastError(
            "a Ray cluster runs whatever it is sent, so inkfast joins one with a token alone: set "
            "RAY_AUTH_MODE=token here and on each of its machines (docs/cluster.md)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise InkfastError(f"no Ray cluster answers at {address} ({error}). {_START}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
