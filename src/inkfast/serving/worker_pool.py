"""Processes that make small pictures into digits and ask the networks.

Beside them the event loop has a core, and Python's lock, to itself; a picture that brings a decoder
down takes one of them along and not the server. They end when their pipe does, so that none is left
when the server is killed.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from inkfast.core.errors import InkfastError
from inkfast.core.processes import block_sigint
from inkfast.inference.reader import Reader
from inkfast.serving.limits import busy
from inkfast.serving.prediction import PredictRequest, PredictResponse, predict_batch, with_place

_LOST = (EOFError, OSError, MemoryError)  # what a pipe says when its other end is gone or lags


class WorkerPool:
    """Processes that answer questions, for threads that ask one each.

    Args:
        readers: By name.
        number: How many processes; as many threads may ask at once.

    Raises:
        InkfastError: If they cannot be started.
    """

    def __init__(self, readers: Mapping[str, Reader], number: int) -> None:
        self.number = number
        self._all = [_Worker(dict(readers)) for _ in range(number)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._stopped = False
        try:
            for hand in self._all:
                hand.start()
            for hand in self._all:  # they get ready side by side
                hand.predict([])
                self._idle.put(hand)
        except BaseException as error:
            self.stop()
            if not isinstance(error, _LOST):
                raise
            raise InkfastError(
                f"a process that answers could not be started ({error or 'it ended at once'}): "
                "free some memory, or end other processes."
            ) from None

    def __enter__(self) -> WorkerPool:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        """End the processes."""
        self.stop()

    def predict(self, questions: list[PredictRequest]) -> list[PredictResponse | Exception]:
        """Have questions answered, see `inkfast.serving.prediction.predict_batch`.

        Raises:
            Refused: If the process that was asked is lost. Another takes its place when it is
                asked next.
        """
        hand = self._idle.get()
        try:
            if self._stopped:
                raise busy()
            return hand.predict(questions)
        except _LOST as error:
            hand.stop()
            logging.getLogger(__name__).warning("a process that answers was lost: %r", error)
            raise busy() from None
        finally:
            self._idle.put(hand)

    def stop(self) -> None:
        """End the processes, whatever they do: they have nothing to put in order."""
        self._stopped = True
        for hand in self._all:
            hand.stop()


class _Worker:
    """One process, if it runs, and the pipe to it."""

    def __init__(self, readers: dict[str, Reader]) -> None:
        self._readers = readers
        self._running: tuple[Any, Connection] | None = None
        self._knows = False  # its readers

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        try:
            with block_sigint():
                process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # so that its end is told when the process ends
        self._running, self._knows = (process, ours), False

    def predict(self, questions: list[PredictRequest]) -> list[PredictResponse | Exception]:
        if self._running is None:
            self.start()
        assert self._running is not None  # noqa: S101 - it was started
        process, pipe = self._running
        if not self._knows:
            pipe.send(self._readers)
        pipe.send(questions)
        # one that ends before it has taken its end of the pipe may leave that open
        if not self._knows and pipe not in wait([pipe, process.sentinel]):
            raise EOFError
        self._knows = True
        found: list[PredictResponse | Exception] = pipe.recv()
        return found

    def stop(self) -> None:
        if self._running is not None:
            process, pipe = self._running
            self._running = None
            process.kill()
            process.join()
            pipe.close()


def _work(pipe: Connection) -> None:
    """Answer until the other end of the pipe is closed, be it because the server was killed."""
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # they are for the server, which finishes what runs
    if hasattr(os, "nice"):
        os.nice(10)  # where cores are few the event loop goes first, so that health answers
    import scipy.ndimage  # noqa: F401

    import inkfast.serving.request_images  # noqa: F401 - or the first picture would wait for both

    with suppress(EOFError, OSError):
        readers = pipe.recv()
        gc.freeze()  # as the server does once it listens
        while True:
            questions = pipe.recv()
            try:
                found = predict_batch(readers, questions)
            except Exception as error:  # whatever it is, those who asked must hear of it
                found = [with_place(error)] * len(questions)
            pipe.send(found)
