"""`Desk`: where the event loop asks, and never waits for a picture itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from inkfast.core.errors import unknown_name
from inkfast.execution import available_cores
from inkfast.inference.reader import Reader
from inkfast.serving.batch_queue import BatchQueue
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.prediction import PredictRequest, PredictResponse, predict_batch
from inkfast.serving.worker_pool import ReaderPool

_TOGETHER = 8  # questions that one thread takes at once; more leaves other threads without work


class Dispatcher:
    """Readers by name, and those who ask them.

    Args:
        readers: By name.
        limits: How much may wait.
        hands: Processes for small pictures and tensors; None asks in this one.

    Attributes:
        readers: By name.
        small: For small pictures and tensors, several at a time.
        large: One thread of this process for whatever takes long.
    """

    def __init__(
        self, readers: Mapping[str, Reader], limits: Limits, hands: ReaderPool | None
    ) -> None:
        self.readers = dict(readers)
        answer = hands.predict if hands else partial(predict_batch, self.readers)
        threads = hands.number if hands else available_cores()
        self.small: BatchQueue[PredictRequest, PredictResponse] = BatchQueue(
            answer, threads, limits.waiting, _TOGETHER
        )
        self.large: BatchQueue[Callable[[], Any], Any] = BatchQueue(
            _called, 1, limits.waiting_large
        )

    def reader(self, name: str) -> Reader:
        """Return a reader.

        Raises:
            Refused: If there is none of this name.
        """
        if name not in self.readers:
            raise Refused(404, str(unknown_name("model", name, self.readers)))
        return self.readers[name]

    @property
    def waiting(self) -> int:
        """How many requests nobody has taken yet."""
        return self.small.waiting + self.large.waiting

    async def ask(self, question: PredictRequest, *, large: bool = False) -> PredictResponse:
        """Return what the networks say.

        Raises:
            Refused: If too many wait already.
            InkfastError: If the images cannot be made.
        """
        if not large:
            return await self.small.ask(question)
        (told,) = await self.large.ask(lambda: predict_batch(self.readers, [question]))
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, PredictResponse)  # noqa: S101 - it is one of the two
        return told

    def hurry(self) -> None:
        """Refuse large jobs that wait; small ones are answered, which takes no time."""
        self.large.shed()

    def stop(self) -> None:
        """Refuse whatever waits, and end the threads."""
        for lane in (self.small, self.large):
            lane.stop()


def _called(jobs: list[Callable[[], Any]]) -> list[Any]:
    return [job() for job in jobs]
