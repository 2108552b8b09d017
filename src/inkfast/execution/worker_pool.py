"""`WorkerPool`: processes that call one function, for threads that wait for one call each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic

from inkfast.execution.base import Item, State
from inkfast.execution.job import Result, attempt
from inkfast.execution.worker import Worker, WorkerLostError


class WorkerPool(Generic[State, Item, Result]):
    """Processes that call one function with one state and many items.

    Args:
        function: A function of a module, or a partial of one: ``function(state, item)``.
        state: Sent to each process once.
        number: Number of processes; as many threads may call at the same time.
        prepare: Function of a module that each process calls before the first item.

    Raises:
        WorkerLostError: If a process cannot be started.
    """

    def __init__(
        self, function: Callable[[State, Item], Result], state: State, number: int,
        prepare: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.number = number
        self._workers = [_CallWorker((function, state, prepare)) for _ in range(number)]
        self._idle: SimpleQueue[_CallWorker] = SimpleQueue()
        try:
            for worker in self._workers:
                worker.start()
                self._idle.put(worker)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> WorkerPool[State, Item, Result]:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the processes."""
        self.close()

    def call(self, item: Item) -> Result:
        """Return ``function(state, item)``, computed by the first idle process.

        Raises:
            WorkerLostError: If the process is lost; the next call starts another one.
        """
        worker = self._idle.get()
        try:
            result: Result = worker.call(item)
        except WorkerLostError:
            worker.stop()
            raise
        finally:
            self._idle.put(worker)
        return result

    def warm_up(self, item: Item) -> None:
        """Have every process compute one item, so that no later call waits for imports.

        Raises:
            WorkerLostError: If one cannot.
        """
        try:
            for worker in self._workers:  # all have been started: they import side by side
                worker.call(item)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Kill the processes, whatever they do; calls under way raise `WorkerLostError`."""
        for worker in self._workers:
            worker.close()


class _CallWorker(Worker):
    """A worker that computes what it is sent, one item after another.

    Args:
        first: The function, its state and what prepares the process.
    """

    def __init__(self, first: tuple[Any, Any, Any]) -> None:
        super().__init__(_serve_calls)
        self._first = first
        self._has_state = False

    def start(self) -> None:
        super().start()
        self._has_state = False

    def call(self, item: Any) -> Any:
        if not self.is_running:
            self.start()
        if not self._has_state:
            self.send(self._first)
            self._has_state = True
        self.send(item)
        result, error = self.receive()
        if error is not None:
            raise error
        return result


def _serve_calls(pipe: Connection) -> None:
    function, state, prepare = pipe.recv()
    if prepare is not None:
        prepare()
    while True:
        item = pipe.recv()
        pipe.send(attempt(partial(function, state, item)))
