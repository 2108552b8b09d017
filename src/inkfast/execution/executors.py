"""`Engine`: the word after ``--engine`` and what it stands for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager

from inkfast.core import processes
from inkfast.core.processes import Place
from inkfast.execution.jobs import (
    QUIET,
    Job,
    Observer,
    Result,
    finished_or_fit,
)


class Engine(Place):
    """Where fits run."""

    @property
    def side_by_side(self) -> bool:
        """Whether several fits may run at a time."""
        return self.kind != "here"

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold what the engine needs while the block runs; asked before a folder is claimed.

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
        self, jobs: Iterable[Job], total: int, observer: Observer = QUIET
    ) -> tuple[list[Result | None], bool]:
        """Return what became of each job, None where Ctrl-C came first, and whether it came."""
        found: list[Result | None] = [None] * total
        # closed before anything else happens: a worker must not write while others clear up
        with closing(self.results(jobs, total, observer)) as results:
            try:
                for number, result in results:
                    found[number] = result
            except KeyboardInterrupt:
                return found, True
        return found, False

    def results(
        self, jobs: Iterable[Job], total: int, observer: Observer
    ) -> Generator[tuple[int, Result]]:
        """Yield each job's number and what became of it, in the order in which they end.

        The engine is open while they run.

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
        if self.kind == "together":
            from inkfast.execution import stacked

            return stacked.results(jobs, total, observer, self.processes)
        if self.kind == "ray":
            from inkfast.execution import ray_cluster

            return ray_cluster.results(jobs, total, observer)
        return _one_by_one(jobs, total, observer)


HERE = Engine()


def _one_by_one(
    jobs: Iterable[Job], total: int, observer: Observer
) -> Generator[tuple[int, Result]]:
    for number, job in enumerate(jobs):
        watch = observer.fit(job.title, number + 1, total)
        yield number, finished_or_fit(job.task, job.folder, watch)


def parse(text: str) -> Engine:
    """Read an engine's name, see `inkfast.core.processes.parse`."""
    return Engine(**vars(processes.parse(text, fits=True)))
