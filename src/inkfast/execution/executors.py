"""`Executor`: the word after ``--executor`` and what it stands for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager

from inkfast.core import processes
from inkfast.core.processes import ExecutorSpec
from inkfast.execution.jobs import QUIET, FitJob, FitOutcome, SweepObserver, finished_or_fit


class Executor(ExecutorSpec):
    """Where fits run."""

    @property
    def side_by_side(self) -> bool:
        """Whether several fits may run at a time."""
        return self.kind != "serial"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold what the executor needs while the block runs; asked before a folder is claimed.

        Raises:
            InkfastError: If it cannot be had.
        """
        if self.kind == "ray":
            from inkfast.execution import ray_cluster

            with ray_cluster.connected(self.address):
                yield
        else:
            yield

    def run(
        self, jobs: Iterable[FitJob], total: int, observer: SweepObserver = QUIET
    ) -> tuple[list[FitOutcome | None], bool]:
        """Return what became of each job, None where Ctrl-C came first, and whether it came."""
        found: list[FitOutcome | None] = [None] * total
        # closed before anything else happens: a worker must not write while others clear up
        with closing(self.results(jobs, total, observer)) as results:
            try:
                for number, result in results:
                    found[number] = result
            except KeyboardInterrupt:
                return found, True
        return found, False

    def results(
        self, jobs: Iterable[FitJob], total: int, observer: SweepObserver
    ) -> Generator[tuple[int, FitOutcome]]:
        """Yield each job's number and what became of it, in the order in which they end.

        The executor is open while they run.

        Args:
            jobs: Asked for the next job when there is room for it, so that the rows of a hundred
                folds need not be in memory at once, and a search can learn before it goes on.
            total: How many they are at most.
            observer: Told of each.

        Raises:
            InkfastError: If a worker was lost again and again.
        """
        if self.kind == "local":
            from inkfast.execution import process_pool

            return process_pool.results(jobs, total, observer, self.processes)
        if self.kind == "stacked":
            from inkfast.execution import stacked

            return stacked.results(jobs, total, observer, self.processes)
        if self.kind == "ray":
            from inkfast.execution import ray_cluster

            return ray_cluster.results(jobs, total, observer)
        return _one_by_one(jobs, total, observer)


SERIAL = Executor()


def _one_by_one(
    jobs: Iterable[FitJob], total: int, observer: SweepObserver
) -> Generator[tuple[int, FitOutcome]]:
    for number, job in enumerate(jobs):
        callback = observer.on_fit_start(job.title, number + 1, total)
        yield number, finished_or_fit(job.fit_spec, job.folder, callback)


def parse_executor(text: str) -> Executor:
    """Read an executor's name, see `inkfast.core.processes.parse_executor`."""
    return Executor(**vars(processes.parse_executor(text, fits=True)))
