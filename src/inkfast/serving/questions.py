"""What is asked of networks, and several questions answered in one pass of each network."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.data.digits import Images
from inkfast.errors import unknown
from inkfast.reading.reader import Reader
from inkfast.serving.lanes import Lane
from inkfast.serving.limits import Limits, Refused

_TOGETHER = 8  # questions that one thread takes at once; more leaves other threads without work


@dataclass(frozen=True)
class Question:
    """Images, and the networks that are to read them.

    Attributes:
        images: Makes uint8 ``(n, 28, 28)``; called by the thread that answers.
        models: Names of networks.
    """

    images: Callable[[], Images]
    models: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What networks say.

    Attributes:
        images: uint8 ``(n, 28, 28)``, what they saw.
        probabilities: By name, ``(n, 10)``.
    """

    images: Images
    probabilities: Mapping[str, NDArray[np.float64]]


class Desk:
    """Readers by name, and the threads that ask them.

    Args:
        readers: By name.
        limits: How much may wait.

    Attributes:
        readers: By name.
        small: Threads for small pictures and tensors, several at a time.
        large: One thread for whatever takes long.
    """

    def __init__(self, readers: Mapping[str, Reader], limits: Limits) -> None:
        self.readers = dict(readers)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
        self.small: Lane[Question, Told] = Lane(self.answer, cores, limits.waiting, _TOGETHER)
        self.large: Lane[Callable[[], Any], Any] = Lane(_called, 1, limits.waiting_large)

    def reader(self, name: str) -> Reader:
        """Return a reader.

        Raises:
            Refused: If there is none of this name.
        """
        if name not in self.readers:
            raise Refused(404, str(unknown("model", name, self.readers)))
        return self.readers[name]

    @property
    def waiting(self) -> int:
        """How many requests no thread has taken yet."""
        return self.small.waiting + self.large.waiting

    async def ask(self, question: Question, *, large: bool = False) -> Told:
        """Return what the networks say.

        Raises:
            Refused: If too many wait already.
            InkfastError: If the images cannot be made.
        """
        if not large:
            return await self.small.ask(question)
        (told,) = await self.large.ask(lambda: self.answer([question]))
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, Told)  # noqa: S101 - it is one of the two
        return told

    def answer(self, questions: list[Question]) -> list[Told | Exception]:
        """Answer several questions with one pass of each network."""
        made = [_made(question) for question in questions]
        said: list[dict[str, NDArray[np.float64]]] = [{} for _ in questions]
        for name, reader in self.readers.items():
            images = {
                i: one
                for i, (one, asked) in enumerate(zip(made, questions, strict=True))
                if name in asked.models and not isinstance(one, Exception)
            }
            if not images:
                continue
            found = reader.classifier.probabilities(np.concatenate([*images.values()]))
            ends = np.cumsum([len(one) for one in images.values()])[:-1]
            for i, rows in zip(images, np.split(found, ends), strict=True):
                said[i][name] = rows
        return [
            one if isinstance(one, Exception) else Told(one, rows)
            for one, rows in zip(made, said, strict=True)
        ]

    async def stop(self) -> None:
        """Finish what waits."""
        for lane in (self.small, self.large):
            await asyncio.to_thread(lane.stop)


def _made(question: Question) -> Images | Exception:
    try:
        return question.images()
    except Exception as error:  # the others in the batch are not to suffer
        return error


def _called(jobs: list[Callable[[], Any]]) -> list[Any]:
    return [job() for job in jobs]
