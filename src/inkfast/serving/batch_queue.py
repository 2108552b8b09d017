"""Threads behind a bounded queue: the event loop asks and never waits for a picture.

A thread takes all that waits, up to a number, and works on it in one go. Under load the network
so gets several images at once, and a request that comes alone waits for nobody.
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
        work: Returns for each job its result, or the exception that it ended with.
        threads: How many work side by side.
        waiting: Jobs that may wait; one more is refused.
        most: Jobs that a thread takes at once.
    """

    def __init__(
        self, work: Callable[[list[Job]], list[Result | Exception]], threads: int, waiting: int,
        most: int = 1,
    ) -> None:  # fmt: skip
        self._work, self._most = work, most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[tuple[Job, asyncio.Future[Result]] | None]
        self._queue, self._room = queue.SimpleQueue(), waiting
        self._unanswered, self._shedding = 0, False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many jobs no thread has taken yet."""
        return self._queue.qsize()

    async def ask(self, job: Job) -> Result:
        """Return what comes of a job.

        Raises:
            Refused: If too many wait already, or the lane is to end before its turn comes.
        """
        late = self._shedding and self._unanswered >= len(self._threads)
        if late or self._queue.qsize() >= self._room:
            raise busy()
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = self._loop.create_future()
        self._queue.put((job, future))
        self._unanswered += 1
        try:
            return await future
        finally:
            self._unanswered -= 1

    def shed(self) -> None:
        """Refuse what waits, and from now on what would have to; call it in the event loop."""
        self._shedding = True
        with contextlib.suppress(queue.Empty):
            while waits := self._queue.get_nowait():
                refused: list[Result | Exception] = [busy()]
                _deliver([waits[1]], refused)

    def stop(self) -> None:
        """Refuse what waits; the threads end with what they do, and nobody waits for them."""
        self.shed()
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            taken = [first]
            last = False
            while len(taken) < self._most and not last:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                else:
                    taken.append(following)
            self._answer(taken)
            if last:
                return

    def _answer(self, taken: list[tuple[Job, asyncio.Future[Result]]]) -> None:
        try:
            results = self._work([job for job, _ in taken])
        except Exception as error:  # whatever it is, each of those who asked must hear of it
            results = [error] * len(taken)
        loop = self._loop
        if loop is not None and not loop.is_closed():
            futures = [future for _, future in taken]
            loop.call_soon_threadsafe(_deliver, futures, results)


def _deliver(futures: list[asyncio.Future[Result]], results: list[Result | Exception]) -> None:
    for future, result in zip(futures, results, strict=True):
        if future.done():  # the client has gone
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
