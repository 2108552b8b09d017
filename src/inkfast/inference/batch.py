"""Who reads a stream of pictures: this process, several of it, or a Ray cluster; in order always.

Pictures are read from disk here and decoded and answered there, in chunks. Where a chunk begins
depends on the images alone, so every executor, and a resumed job, gives the same rows.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import cycle
from typing import Any, TypeAlias

from inkfast.core.errors import InkfastError
from inkfast.core.processes import block_sigint
from inkfast.inference.inputs import Content, InputItem
from inkfast.inference.reader import Reader
from inkfast.inference.results import InputResult
from inkfast.inference.single_digit import Chunk, predict_chunk

_MOST, _MOST_BYTES = 256, 8 << 20  # of a chunk: pictures, and bytes of them
# takes a chunk, returns what waits for its rows
Submit: TypeAlias = Callable[[Chunk], Callable[[], list[InputResult]]]
Workers: TypeAlias = AbstractContextManager[tuple[Submit, int]]


def predict_inputs(
    given: Iterable[InputItem], crew: Workers, done: int = 0
) -> Generator[InputResult]:
    """Yield the rows of pictures in their order, without the first `done`.

    Args:
        given: Asked for the next ones when there is room for them.
        crew: Who reads them, see `serial`, `processes` and `ray`.
        done: How many need no row; the files of whole chunks of them are not opened.
    """
    with crew as (submit, most):
        waiting: deque[tuple[Callable[[], list[InputResult]], int]] = deque()
        at = 0
        for chunk in _chunks(given):
            spare = min(max(0, done - at), len(chunk))
            at += len(chunk)
            if spare == len(chunk):
                continue
            waiting.append((submit(_loaded(chunk)), spare))
            if len(waiting) >= most:
                yield from _next(waiting)
        while waiting:
            yield from _next(waiting)


def _next(waiting: deque[tuple[Callable[[], list[InputResult]], int]]) -> list[InputResult]:
    result, spare = waiting.popleft()
    return result()[spare:]


def _chunks(given: Iterable[InputItem]) -> Iterator[list[InputItem]]:
    chunk: list[InputItem] = []
    size = 0
    for one in given:
        if chunk and (len(chunk) == _MOST or size + one.size > _MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += one.size
    if chunk:
        yield chunk


def _loaded(chunk: list[InputItem]) -> Chunk:
    found: list[tuple[str, Content | InkfastError]] = []
    for one in chunk:
        try:
            found.append((one.source, one.load()))
        except InkfastError as error:
            found.append((one.source, error))
    return found


@contextmanager
def serial_workers(reader: Reader, *, review: bool = False) -> Iterator[tuple[Submit, int]]:
    """Read in this process, a chunk at a time."""
    yield (lambda chunk: partial(predict_chunk, reader, chunk, review=review)), 1


@contextmanager
def process_workers(
    reader: Reader, number: int, *, review: bool = False
) -> Iterator[tuple[Submit, int]]:
    """Read in several processes of this machine.

    Raises:
        InkfastError: When one of them is lost.
    """
    pool = ProcessPoolExecutor(
        number, multiprocessing.get_context("spawn"), _prepare, (reader, review)
    )

    def submit(chunk: Chunk) -> Callable[[], list[InputResult]]:
        with _lost_told():
            result = pool.submit(_work, chunk)

        def wait() -> list[InputResult]:
            with _lost_told():
                return result.result()

        return wait

    try:
        with block_sigint():
            for _ in range(number):  # each call starts one
                pool.submit(os.getpid)
        yield submit, 2 * number + 1
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _lost_told() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise InkfastError(
            "a process was lost, as happens when memory runs out. Take fewer processes, or "
            "--executor serial, and go on with --resume."
        ) from None


_process: dict[str, Any] = {}  # what a process of the pool reads with


def _prepare(reader: Reader, review: bool) -> None:
    _process.update(reader=reader, review=review)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()  # killed, it could not say goodbye
        os._exit(1)


def _work(chunk: Chunk) -> list[InputResult]:
    return predict_chunk(_process["reader"], chunk, review=_process["review"])


@contextmanager
def ray_workers(reader: Reader, *, review: bool = False) -> Iterator[tuple[Submit, int]]:
    """Read on the Ray cluster that this process is connected to, an actor a core.

    Raises:
        InkfastError: When a machine is lost again and again.
    """
    import ray

    number = max(1, int(ray.cluster_resources().get("CPU", 1)))
    kind = ray.remote(_RayWorker).options(num_cpus=1, max_restarts=2, max_task_retries=2)
    hands = cycle([kind.remote() for _ in range(number)])
    where = ray.put(reader)

    def submit(chunk: Chunk) -> Callable[[], list[InputResult]]:
        # in a list, so that it is fetched once by each hand, not for each chunk
        return partial(_fetched, next(hands).read.remote(chunk, [where], review=review))

    yield submit, 2 * number + 1


class _RayWorker:
    """Lives on a core of the cluster and reads what it is sent.

    It is made of nothing, so that Ray can make it again when its machine is lost.
    """

    def __init__(self) -> None:
        self.reader: Reader | None = None

    def read(self, chunk: Chunk, where: list[Any], *, review: bool) -> list[InputResult]:
        """Read with the reader that lies there, fetched with the first chunk."""
        import ray

        if self.reader is None:
            (self.reader,) = ray.get(where)
        return predict_chunk(self.reader, chunk, review=review)


def _fetched(reference: Any) -> list[InputResult]:
    import ray

    try:
        found: list[InputResult] = ray.get(reference)
    except ray.exceptions.RayError as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InkfastError(
            f"the cluster gave up ({first}). Every machine needs the same inkfast; go on with "
            "--resume."
        ) from None
    return found
