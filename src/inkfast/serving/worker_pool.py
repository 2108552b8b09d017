"""`ReaderPool`: processes that decode small images and run the networks.

They leave a core, and Python's lock, to the event loop; an image that crashes a decoder ends one
of them and not the server.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Mapping
from types import TracebackType

from inkfast.execution.worker import WorkerLostError
from inkfast.execution.worker_pool import WorkerPool
from inkfast.inference.reader import Reader
from inkfast.serving.limits import busy
from inkfast.serving.prediction import (
    PredictRequest,
    PredictResponse,
    predict_batch,
    with_traceback_note,
)


class ReaderPool:
    """Processes that answer requests, for threads that send one batch each.

    Args:
        readers: Readers by name.
        number: Number of processes; as many threads may ask at the same time.

    Raises:
        WorkerLostError: If they cannot be started.
    """

    def __init__(self, readers: Mapping[str, Reader], number: int) -> None:
        self.number = number
        self._pool = WorkerPool(_predict, dict(readers), number, prepare=_prepare)
        self._pool.warm_up([])

    def __enter__(self) -> ReaderPool:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the processes, whatever they do: they hold nothing that must be saved."""
        self._pool.close()

    def predict(self, requests: list[PredictRequest]) -> list[PredictResponse | Exception]:
        """Answer requests in one process, see `inkfast.serving.prediction.predict_batch`.

        Raises:
            Refused: If that process is lost. Another one takes its place at its next batch.
        """
        try:
            return self._pool.call(requests)
        except WorkerLostError as error:
            logging.getLogger(__name__).warning("a worker process was lost: %s", error)
            raise busy() from None


def _predict(
    readers: Mapping[str, Reader], requests: list[PredictRequest]
) -> list[PredictResponse | Exception]:
    try:
        return predict_batch(readers, requests)
    except Exception as error:  # whatever it is, each client must get a response
        return [with_traceback_note(error)] * len(requests)


def _prepare() -> None:
    """Prepare a worker process."""
    if hasattr(os, "nice"):
        os.nice(10)  # where cores are few the event loop goes first, so that health responds
    import scipy.ndimage  # noqa: F401

    import inkfast.serving.request_images  # noqa: F401 - or the first image would wait for both

    gc.freeze()  # as the server does once it listens
