"""Threads behind a bounded queue, so that the event loop never waits for an image.

A thread takes all waiting jobs, up to a number, and processes them as one batch. Under load the
network therefore gets several images at once, and a lone request waits for no timer.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from inkfast.serving.limits import busy

Job = TypeVar("Job")
Result = TypeVar("Result")


class BatchQueue(Generic[Job, Result]):
    """A bounded queue and the threads that empty it.

    Args:
        work: Function of a batch of jobs; returns each job's result or its exception.
        threads: Number of batches processed at the same time.
        waiting: Number of jobs that may wait; one more is rejected.
        max_batch: Number of jobs in a batch at most.
    """

    def __init__(
        self, work: Callable[[list[Job]], list[Result | Exception]], threads: int, waiting: int,
        max_batch: int = 1,
    ) -> None:  # fmt: skip
        self._work, self._max_batch = work, max_batch
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[tuple[Job, asyncio.Future[Result]] | None]
        self._queue, self._room = queue.SimpleQueue(), waiting
        self._pending, self._rejecting = 0, False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Number of jobs that no thread has taken yet."""
        return self._queue.qsize()

    async def submit(self, job: Job) -> Result:
        """Return the result of a job.

        Raises:
            Refused: If the queue is full, or is drained before the job is taken.
        """
        full = self._rejecting and self._pending >= len(self._threads)
        if full or self._queue.qsize() >= self._room:
            raise busy()
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = self._loop.create_future()
        self._queue.put((job, future))
        self._pending += 1
        try:
            return await future
        finally:
            self._pending -= 1

    def reject(self) -> None:
        """Reject waiting jobs, and from now on jobs that would have to wait.

        Must be called in the event loop.
        """
        self._rejecting = True
        with contextlib.suppress(queue.Empty):
            while waiting := self._queue.get_nowait():
                refused: list[Result | Exception] = [busy()]
                _deliver([waiting[1]], refused)

    def stop(self) -> None:
        """Reject waiting jobs; threads end after their current batch and are not joined."""
        self.reject()
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            taken = [first]
            last = False
            while len(taken) < self._max_batch and not last:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                else:
                    taken.append(following)
            self._process(taken)
            if last:
                return

    def _process(self, taken: list[tuple[Job, asyncio.Future[Result]]]) -> None:
        try:
            results = self._work([job for job, _ in taken])
        except Exception as error:  # whatever it is, every client must get a response
            results = [error] * len(taken)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            futures = [future for _, future in taken]
            loop.call_soon_threadsafe(_deliver, futures, results)


def _deliver(futures: list[asyncio.Future[Result]], results: list[Result | Exception]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():  # the client has disconnected
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
