"""Several jobs in this process that take their steps together: one small network fills no GPU."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial

from inkfast.execution.job import Job, Metrics, Observer, Outcome, Result, SteppedRun, outcome_of
from inkfast.execution.serial import SerialExecutor


class StackedExecutor(SerialExecutor):
    """Advances jobs of one group together; jobs without steps run one after another.

    Args:
        most: Number of jobs under way at most.
    """

    concurrent = True

    def __init__(self, most: int) -> None:
        self.most = most

    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """See `Executor.results`; the group of the oldest run advances."""
        waiting = enumerate(jobs)
        runs: dict[int, SteppedRun[Result]] = {}
        while True:
            while len(runs) < self.most and (following := next(waiting, None)) is not None:
                number, job = following
                callback = observer(job.title, number + 1, total)
                run = job.begin(callback)
                if run is None:
                    yield number, outcome_of(partial(job.run, callback))
                else:
                    runs[number] = run
            if not runs:
                return
            if not any(run.ended for run in runs.values()):  # one may have ended before it began
                first, *rest = runs.values()
                first.advance([run for run in rest if run.group == first.group])
            # all are stored before the first is yielded
            ended = {n: outcome_of(run.finish) for n, run in runs.items() if run.ended}
            runs = {number: run for number, run in runs.items() if number not in ended}
            yield from ended.items()
