"""`Executor`: where independent work runs, long jobs or many short calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import ClassVar, TypeVar

from inkfast.core.errors import InkfastError
from inkfast.execution.job import Job, Metrics, Observer, Outcome, Result, quiet

ATTEMPTS = 3  # so that work that kills its worker, by taking all memory, ends

State = TypeVar("State")
Item = TypeVar("Item")


class Executor(ABC):
    """Where independent work runs.

    Attributes:
        concurrent: Whether several jobs may run at the same time.
    """

    concurrent: ClassVar[bool] = True

    def open(self) -> AbstractContextManager[None]:
        """Hold what the executor needs while the block runs.

        Raises:
            InkfastError: If it is not available.
        """
        return nullcontext()

    def run(
        self,
        jobs: Iterable[Job[Metrics, Result]],
        total: int,
        observer: Observer[Metrics] = quiet,
    ) -> tuple[list[Outcome[Result] | None], bool]:
        """Return the outcome of each job (None if Ctrl-C came before it), and if Ctrl-C came."""
        found: list[Outcome[Result] | None] = [None] * total
        # closed before anything else happens: a worker must not write while others clear up
        with closing(self.results(jobs, total, observer)) as results:
            try:
                for number, outcome in results:
                    found[number] = outcome
            except KeyboardInterrupt:
                return found, True
        return found, False

    @abstractmethod
    def results(
        self, jobs: Iterable[Job[Metrics, Result]], total: int, observer: Observer[Metrics]
    ) -> Generator[tuple[int, Outcome[Result]]]:
        """Yield each job's number (from 0) and its outcome, in the order in which they end.

        Args:
            jobs: Jobs, taken one by one when there is room, so that the data of a hundred folds
                need not be in memory at once and a search learns before it proposes the next trial.
            total: Number of jobs, or the most there can be.
            observer: Called at the start of each job.

        Raises:
            InkfastError: If a worker was lost `ATTEMPTS` times on one job.
        """

    @abstractmethod
    def map(
        self, function: Callable[[State, Item], Result], state: State, items: Iterable[Item]
    ) -> Generator[Result]:
        """Yield ``function(state, item)`` for each item, in the order of the items.

        Args:
            function: A function of a module, or a partial of one.
            state: First argument of every call; sent to each worker once.
            items: Items, taken when there is room, so that the stream may be endless.

        Raises:
            InkfastError: If a worker was lost `ATTEMPTS` times on one item.
        """


def in_order(
    submit: Callable[[Item], Callable[[], Result]], items: Iterable[Item], window: int
) -> Generator[Result]:
    """Yield the results of items in their order, `window` of them under way at most.

    Args:
        submit: Starts the work on an item and returns a function that waits for its result.
        items: Items, taken when there is room.
        window: Number of items between being taken and being yielded.
    """
    waiting: deque[Callable[[], Result]] = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) >= window:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def lost_worker(what: str) -> InkfastError:
    """Return the error for work whose worker was lost again and again."""
    return InkfastError(
        f"{what} was lost {ATTEMPTS} times, as happens when memory runs out. Use "
        "fewer processes, or --executor serial, and continue with --resume."
    )
