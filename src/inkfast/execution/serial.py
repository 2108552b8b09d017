"""One job after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from functools import partial

from inkfast.execution.base import Executor, Item, State
from inkfast.execution.job import Job, Metrics, Observer, Outcome, Result, outcome_of


class SerialExecutor(Executor):
    """Runs one job after another in this process."""

    concurrent = False

    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """See `Executor.results`."""
        for number, job in enumerate(jobs):
            callback = observer(job.title, number + 1, total)
            yield number, outcome_of(partial(job.run, callback))

    def map(
        self, function: Callable[[State, Item], Result], state: State, items: Iterable[Item]
    ) -> Generator[Result]:
        """See `Executor.map`."""
        for item in items:
            yield function(state, item)
