"""The life of a worker process: start, pipe, end noticed, start again, end with its parent.

Jobs, batch prediction and the server use the same workers. A worker is spawned, never forked, and
ignores Ctrl-C, which is meant for its parent.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias

from inkfast.core.errors import InkfastError

Main: TypeAlias = Callable[[Connection], None]
_FREE = "Free some memory, or end other processes."
_GONE = (EOFError, OSError, MemoryError)  # raised where a process cannot start, or is gone


class WorkerLostError(InkfastError):
    """A worker process could not be started, or ended while it was needed."""


class Worker:
    """One process, while it runs, and the pipe to it.

    Args:
        main: Function of a module that the process calls with its end of the pipe. It runs until
            it returns or the pipe closes.
    """

    def __init__(self, main: Main) -> None:
        self._main = main
        self._running: tuple[BaseProcess, Connection] | None = None
        self._lock = threading.Lock()  # a stop must not overlook a process that is being started
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether the process has been started, and not stopped since."""
        return self._running is not None

    @property
    def handles(self) -> list[Connection | int]:
        """The pipe and the sentinel of the process, one of which is ready when `receive` is."""
        process, pipe = self._started()
        return [pipe, process.sentinel]

    def start(self) -> None:
        """Start the process.

        Raises:
            WorkerLostError: If the system refuses, or the worker was closed.
        """
        with self._lock:
            if self._closed:
                raise WorkerLostError("the worker has been closed.")
            try:
                self._running = _spawn(self._main)
            except _GONE as error:
                raise WorkerLostError(
                    f"a process could not be started ({error}). {_FREE}"
                ) from None

    def send(self, message: Any) -> None:
        """Send a message to the process.

        Raises:
            WorkerLostError: If the process has ended.
        """
        _, pipe = self._started()
        with _loss_noticed():
            pipe.send(message)

    def receive(self) -> Any:
        """Return the next message of the process, waiting for it.

        Raises:
            WorkerLostError: If the process has ended.
        """
        with _loss_noticed():
            ready = wait(self.handles)
            _, pipe = self._started()
            if pipe not in ready:  # a process that ends early may leave its end of the pipe open
                raise EOFError
            return pipe.recv()

    def stop(self) -> None:
        """Kill the process; it may be started again."""
        with self._lock:
            self._stop()

    def close(self) -> None:
        """Kill the process for good."""
        with self._lock:
            self._closed = True
            self._stop()

    def _stop(self) -> None:
        if self._running is not None:
            process, pipe = self._running
            self._running = None
            process.kill()  # SIGTERM is ignored, see `_enter`
            process.join()
            pipe.close()

    def _started(self) -> tuple[BaseProcess, Connection]:
        running = self._running
        if running is None:
            raise WorkerLostError("the worker is not running.")
        return running


def wait_for(workers: Sequence[Worker]) -> list[int]:
    """Return the indices of workers that have sent a message or ended, waiting for the first."""
    ready = wait([handle for worker in workers for handle in worker.handles])
    return [i for i, worker in enumerate(workers) if any(h in ready for h in worker.handles)]


@contextmanager
def _loss_noticed() -> Iterator[None]:
    try:
        yield
    except _GONE as error:
        raise WorkerLostError(f"a process was lost ({error!r}). {_FREE}") from None


def _spawn(main: Main) -> tuple[BaseProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_enter, args=(main, theirs), daemon=True)
    try:
        with block_sigint():
            process.start()
    except BaseException:  # also Ctrl-C, when the process runs and nobody knows of it yet
        ours.close()
        if process.pid is not None:
            process.kill()
        raise
    finally:
        theirs.close()  # so that the pipe closes when the process ends
    return process, ours


def _enter(main: Main, pipe: Connection) -> None:
    """Call `main` until the pipe closes; runs in the worker."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # meant for the parent, which decides what ends
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        main(pipe)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # a parent that is killed cannot close the pipe in time
        os._exit(1)


@contextmanager
def block_sigint() -> Iterator[None]:
    """Hold Ctrl-C back while processes are started, which never receive it.

    It is obeyed on leaving. Outside the main thread, Python delivers no signal.
    """
    came: list[Any] = []
    is_main = threading.current_thread() is threading.main_thread()
    if is_main:
        before = signal.signal(signal.SIGINT, lambda *what: came.append(what))
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:  # a started process inherits the mask, but no handler
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # whose start would unblock the signal
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if is_main:
            signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])
