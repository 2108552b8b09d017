"""`predict_batch`: several requests answered with one forward pass of each network."""

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
    """Images and the networks that classify them.

    Attributes:
        images: Function that returns images, uint8 ``(n, 28, 28)``, or these and their quality
            check. It is called in the worker, so it must be a function of a module or a partial.
        models: Names of the networks.
    """

    images: Callable[[], Images | tuple[Images, QualityCheck]]
    models: tuple[str, ...]


@dataclass(frozen=True)
class PredictResponse:
    """Predictions of networks.

    Attributes:
        images: Images as the networks saw them, uint8 ``(n, 28, 28)``.
        probabilities: Probabilities ``(n, 10)`` by name of the network.
        quality: Reasons in the image not to rely on the predictions.
    """

    images: Images
    probabilities: Mapping[str, NDArray[np.float64]]
    quality: QualityCheck


def predict_batch(
    readers: Mapping[str, Reader], requests: list[PredictRequest]
) -> list[PredictResponse | Exception]:
    """Return the response or the error of each request, with one pass of each network."""
    prepared = [_prepare_images(request) for request in requests]
    probabilities: list[dict[str, NDArray[np.float64]]] = [{} for _ in requests]
    for name, reader in readers.items():
        images = {
            i: one[0]
            for i, (one, request) in enumerate(zip(prepared, requests, strict=True))
            if name in request.models and not isinstance(one, Exception)
        }
        for i, rows in zip(images, _predict_each(reader, [*images.values()]), strict=True):
            if isinstance(rows, Exception):
                prepared[i] = rows
            else:
                probabilities[i][name] = rows
    return [
        one if isinstance(one, Exception) else PredictResponse(one[0], rows, one[1])
        for one, rows in zip(prepared, probabilities, strict=True)
    ]


def _predict_each(reader: Reader, images: list[Images]) -> list[NDArray[np.float64] | Exception]:
    """Return the probabilities of each request's images, or the error of its prediction."""
    if not images:
        return []
    try:
        found = reader.classifier.probabilities(np.concatenate(images))
    except Exception as error:  # requests to other networks must not fail
        if len(images) == 1:
            return [with_traceback_note(error)]
        # one by one: a response must not depend on the other requests of the batch
        return [rows for one in images for rows in _predict_each(reader, [one])]
    return [*np.split(found, np.cumsum([len(one) for one in images])[:-1])]


def _prepare_images(request: PredictRequest) -> tuple[Images, QualityCheck] | Exception:
    try:
        images = request.images()
        return images if isinstance(images, tuple) else (images, QualityCheck())
    except Exception as error:  # the other requests of the batch must not fail
        return with_traceback_note(error)


def with_traceback_note(error: Exception) -> Exception:
    """Return an error; an unexpected one gets its traceback as a note, which reaches the log."""
    if not isinstance(error, InkfastError | Refused):
        error.add_note(traceback.format_exc())
    return error
