"""A stream of images -> one result each, in order, on any executor.

Images are read from disk in this process and decoded and predicted by the executor, in chunks.
Chunk boundaries depend on the images alone, so that every executor, and a resumed job, gives the
same results.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice

from inkfast.core.errors import InkfastError
from inkfast.execution import SERIAL, Executor
from inkfast.inference.inputs import InputItem
from inkfast.inference.reader import Reader
from inkfast.inference.results import InputResult
from inkfast.inference.single_digit import LoadedInput, predict_chunk

_MAX_IMAGES, _MAX_BYTES = 256, 8 << 20  # of a chunk


def predict_inputs(
    inputs: Iterable[InputItem],
    reader: Reader,
    executor: Executor = SERIAL,
    *,
    skip: int = 0,
    review: bool = False,
) -> Generator[InputResult]:
    """Yield the results of images in their order.

    Args:
        inputs: Images, taken when there is room for them.
        reader: Network and threshold; sent to each worker once.
        executor: Where images are decoded and predicted; it is open meanwhile.
        skip: Number of results to leave out at the start; files of whole chunks of them are not
            opened.
        review: Whether unsure results carry an image for review.
    """
    chunks, rest = _skip(_chunks(inputs), skip)
    predict = partial(predict_chunk, review=review)
    with closing(executor.map(predict, reader, map(_load, chunks))) as results:
        yield from islice(chain.from_iterable(results), rest, None)


def _skip(chunks: Iterator[list[InputItem]], skip: int) -> tuple[Iterator[list[InputItem]], int]:
    """Return the chunks after those to be skipped whole, and the images to skip in the first."""
    for chunk in chunks:
        if len(chunk) > skip:
            return chain([chunk], chunks), skip
        skip -= len(chunk)
    return iter(()), 0


def _chunks(inputs: Iterable[InputItem]) -> Iterator[list[InputItem]]:
    chunk: list[InputItem] = []
    size = 0
    for one in inputs:
        if chunk and (len(chunk) == _MAX_IMAGES or size + one.size > _MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += one.size
    if chunk:
        yield chunk


def _load(chunk: list[InputItem]) -> list[LoadedInput]:
    found: list[LoadedInput] = []
    for one in chunk:
        try:
            found.append(LoadedInput(one.source, one.load(), one.page))
        except InkfastError as error:
            found.append(LoadedInput(one.source, error, one.page))
    return found
