"""A Ray cluster of several machines, or of this one alone."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from functools import partial
from itertools import cycle
from typing import Any

from inkfast.execution.base import ATTEMPTS, Executor, Item, State, in_order
from inkfast.execution.job import Job, Metrics, Observer, Outcome, Result, attempt
from inkfast.execution.ray_connection import connected, fetch
from inkfast.execution.ray_sweep import RaySweep


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
        return connected(self.address)

    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """See `Executor.results`."""
        return RaySweep(jobs, total, observer).results()

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
            return partial(fetch, next(actors).call.remote(first, item))

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
