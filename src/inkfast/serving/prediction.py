"""What is asked of networks, and several questions answered in one pass of each network."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Images
from inkfast.core.errors import InkfastError
from inkfast.inference.quality import QualityCheck
from inkfast.inference.reader import Reader
from inkfast.serving.limits import Refused


@dataclass(frozen=True)
class PredictRequest:
    """Images, and the networks that are to read them.

    Attributes:
        images: Makes uint8 ``(n, 28, 28)``, or these and what is to be doubted about them, where
            the question is answered, which may be another process: a function of a module, or a
            partial of one.
        models: Names of networks.
    """

    images: Callable[[], Images | tuple[Images, QualityCheck]]
    models: tuple[str, ...]


@dataclass(frozen=True)
class PredictResponse:
    """What networks say.

    Attributes:
        images: uint8 ``(n, 28, 28)``, what they saw.
        probabilities: By name, ``(n, 10)``.
        doubt: What the picture tells against reading it.
    """

    images: Images
    probabilities: Mapping[str, NDArray[np.float64]]
    doubt: QualityCheck


def predict_batch(
    readers: Mapping[str, Reader], questions: list[PredictRequest]
) -> list[PredictResponse | Exception]:
    """Answer several questions with one pass of each network, or say why one cannot be."""
    made: list[tuple[Images, QualityCheck] | Exception] = [
        _made(question) for question in questions
    ]
    said: list[dict[str, NDArray[np.float64]]] = [{} for _ in questions]
    for name, reader in readers.items():
        images = {
            i: one[0]
            for i, (one, asked) in enumerate(zip(made, questions, strict=True))
            if name in asked.models and not isinstance(one, Exception)
        }
        for i, rows in zip(images, _rows(reader, [*images.values()]), strict=True):
            if isinstance(rows, Exception):
                made[i] = rows
            else:
                said[i][name] = rows
    return [
        one if isinstance(one, Exception) else PredictResponse(one[0], rows, one[1])
        for one, rows in zip(made, said, strict=True)
    ]


def _rows(reader: Reader, images: list[Images]) -> list[NDArray[np.float64] | Exception]:
    """Return for each batch its probabilities, or why the network gives none."""
    if not images:
        return []
    try:
        found = reader.classifier.probabilities(np.concatenate(images))
    except Exception as error:  # those who ask other networks are not to suffer
        if len(images) == 1:
            return [with_place(error)]
        # nor those whom it would answer alone: what one is told does not depend on who else asks
        return [rows for one in images for rows in _rows(reader, [one])]
    return [*np.split(found, np.cumsum([len(one) for one in images])[:-1])]


def _made(question: PredictRequest) -> tuple[Images, QualityCheck] | Exception:
    try:
        made = question.images()
        return made if isinstance(made, tuple) else (made, QualityCheck())
    except Exception as error:  # the others in the batch are not to suffer
        return with_place(error)


def with_place(error: Exception) -> Exception:
    """Return an error that no one foresaw with its traceback as a note, which reaches the log."""
    if not isinstance(error, InkfastError | Refused):
        error.add_note(traceback.format_exc())
    return error
