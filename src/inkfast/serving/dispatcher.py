"""`Dispatcher`: hands requests from the event loop to the queue that can answer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from inkfast.core.errors import unknown_name
from inkfast.execution import available_cores
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.reader import Reader
from inkfast.serving.batch_queue import BatchQueue
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.prediction import PredictRequest, PredictResponse, predict_batch
from inkfast.serving.worker_pool import ReaderPool

_MAX_BATCH = 8  # requests that one thread takes at once; more would leave other threads idle


class Dispatcher:
    """The readers of a server, and the queues of requests to them.

    Args:
        readers: Readers by name.
        limits: Lengths of the queues.
        workers: Processes for small images and tensors; None uses threads of this process.
        page_readers: Readers of numbers by name.

    Attributes:
        readers: Readers of digits by name.
        page_readers: Readers of pages by name, those of numbers first.
        small: Queue of small images and tensors, answered in batches.
        large: Queue of long jobs, run one by one in a thread of this process.
        drift: What watches the guarantee of each reader, by name.
    """

    def __init__(
        self,
        readers: Mapping[str, Reader],
        limits: Limits,
        workers: ReaderPool | None,
        page_readers: Mapping[str, NumberReader],
    ) -> None:
        self.readers = dict(readers)
        self.page_readers: dict[str, Reader | NumberReader] = {**page_readers, **readers}
        self.drift = {name: DriftMonitor(one) for name, one in self.page_readers.items()}
        predict = workers.predict if workers else partial(predict_batch, self.readers)
        threads = workers.number if workers else available_cores()
        self.small: BatchQueue[PredictRequest, PredictResponse] = BatchQueue(
            predict, threads, limits.waiting, _MAX_BATCH
        )
        self.large: BatchQueue[Callable[[], Any], Any] = BatchQueue(
            _call_all, 1, limits.waiting_large
        )

    def reader(self, name: str) -> Reader:
        """Return the reader of a name.

        Raises:
            Refused: If there is none.
        """
        if name not in self.readers:
            raise Refused(404, str(unknown_name("model", name, self.readers)))
        return self.readers[name]

    def page_reader(self, name: str | None) -> tuple[str, Reader | NumberReader]:
        """Return a reader of pages and its name; None takes the first.

        Raises:
            Refused: If there is none of the name.
        """
        chosen = next(iter(self.page_readers)) if name is None else name
        if chosen not in self.page_readers:
            raise Refused(404, str(unknown_name("model", chosen, self.page_readers)))
        return chosen, self.page_readers[chosen]

    @property
    def waiting(self) -> int:
        """Number of requests in the queues."""
        return self.small.waiting + self.large.waiting

    async def predict(self, request: PredictRequest, *, large: bool = False) -> PredictResponse:
        """Return the predictions of a request.

        Args:
            request: Images and names of networks.
            large: Whether it takes long, and so must not delay small requests.

        Raises:
            Refused: If the queue is full.
            InkfastError: If the images cannot be used.
        """
        if not large:
            return await self.small.submit(request)
        (response,) = await self.large.submit(lambda: predict_batch(self.readers, [request]))
        if isinstance(response, Exception):
            raise response
        assert isinstance(response, PredictResponse)  # noqa: S101 - it is one of the two
        return response

    def drain(self) -> None:
        """Reject waiting large jobs; small ones are answered, since they take no time."""
        self.large.reject()

    def stop(self) -> None:
        """Reject all waiting requests and end the threads."""
        for queue in (self.small, self.large):
            queue.stop()


def _call_all(jobs: list[Callable[[], Any]]) -> list[Any]:
    return [job() for job in jobs]
