"""Processes that make pictures into digits and ask the networks.

Beside them the event loop has a core, and Python's lock, to itself; a picture that brings a decoder
down takes one of them along and not the server.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import SimpleQueue

from inkfast.places import deaf
from inkfast.reading.reader import Reader
from inkfast.serving.limits import busy
from inkfast.serving.questions import Question, Told, answered


class Hands:
    """Processes that answer questions, for threads that ask one each.

    Args:
        readers: By name.
        number: How many processes; as many threads may ask at once.
    """

    def __init__(self, readers: Mapping[str, Reader], number: int) -> None:
        self._idle: SimpleQueue[_Hand] = SimpleQueue()
        started = [_Hand(readers) for _ in range(number)]
        for hand in started:  # they get ready side by side
            hand.wait()
            self._idle.put(hand)

    def answer(self, questions: list[Question]) -> list[Told | Exception]:
        """Have questions answered, see `inkfast.serving.questions.answered`.

        Raises:
            Refused: If the process that was asked is lost. Another takes its place.
        """
        hand = self._idle.get()
        try:
            return hand.answer(questions)
        except (EOFError, OSError):
            hand.restart()
            raise busy() from None
        finally:
            self._idle.put(hand)

    def stop(self) -> None:
        """End the processes; nobody may be asking."""
        while not self._idle.empty():
            self._idle.get().stop()


class _Hand:
    """One process, and the pipe to it."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = dict(readers)
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._readers), daemon=True)
        with deaf():
            self._process.start()
        theirs.close()  # so that its end is told when the process ends

    def wait(self) -> None:
        """Return once it is ready."""
        self._pipe.recv()

    def answer(self, questions: list[Question]) -> list[Told | Exception]:
        self._pipe.send(questions)
        found: list[Told | Exception] = self._pipe.recv()
        return found

    def restart(self) -> None:
        self.stop()
        self._start()
        self.wait()

    def stop(self) -> None:
        self._pipe.close()
        self._process.join()


def _work(pipe: Connection, readers: Mapping[str, Reader]) -> None:
    """Answer until the other end of the pipe is closed, be it because the server was killed."""
    import scipy.ndimage
    import scipy.sparse.csgraph  # noqa: F401 - or the first picture would wait for both

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # they are for the server, which finishes what runs
    if hasattr(os, "nice"):
        os.nice(10)  # where cores are few the event loop goes first, so that health answers
    with suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            pipe.send(answered(readers, pipe.recv()))
