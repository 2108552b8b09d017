"""`/v1`: pictures in, answers out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import CLASSES, Images
from inkfast.core.errors import NoInkError, install_hint
from inkfast.imaging.opening import encode_png
from inkfast.inference.page import open_page, read_page
from inkfast.inference.quality import QualityCheck
from inkfast.inference.reader import DEFAULT_MODEL, Prediction, Reader
from inkfast.serving import examples
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.multipart import picture_in, pictures_in
from inkfast.serving.prediction import PredictRequest
from inkfast.serving.request_images import digit_of, is_large, load_request_image, pixels_of
from inkfast.serving.schemas import (
    ModelQuery,
    ModelsSchema,
    PagesSchema,
    PredictedSchema,
    picture_body,
    problems,
)

Corrupt = Callable[[Images, str, int], Images]  # image, chain of noise, seed -> image

_DECIMALS = 6  # of every probability and threshold, so that one above the other stays there
_REFUSALS = problems(400, 401, 404, 413, 415, 421, 422, 503)


def routes_v1(desk: Dispatcher, limits: Limits, corrupt: Corrupt) -> APIRouter:
    """Return the routes.

    Args:
        desk: Whom to ask.
        limits: How much is taken.
        corrupt: Puts noise on an image; raises ModuleNotFoundError where torch is missing.
    """
    router = APIRouter(prefix="/v1", tags=["digits"])

    @router.post(
        "/predict",
        openapi_extra=picture_body("predict"),
        responses=examples.example_response(examples.PREDICTED, PredictedSchema) | _REFUSALS,
    )
    async def predict(request: Request, model: ModelQuery = DEFAULT_MODEL) -> Response:
        """Read pictures of one digit each."""
        reader = desk.reader(model)
        pictures = await pictures_in(request, limits.files)
        # one after the other: who sends many leaves room in the queue for who sends one
        answers = [await _answer(desk, limits, reader, model, picture) for picture in pictures]
        return json_response({"model": model, "answers": answers})

    @router.post(
        "/read",
        openapi_extra=picture_body("read"),
        responses=examples.example_response(examples.PAGES, PagesSchema) | _REFUSALS,
    )
    async def read(request: Request, model: ModelQuery = DEFAULT_MODEL) -> Response:
        """Read pictures of many digits: numbers, line by line."""
        reader = desk.reader(model)
        pictures = await pictures_in(request, limits.files)
        pages = [await desk.large.ask(partial(_page, picture, reader)) for picture in pictures]
        return json_response({"model": model, "pages": pages})

    @router.get(
        "/models",
        responses=examples.example_response(examples.MODELS_EXAMPLE, ModelsSchema)
        | problems(401, 421),
    )
    async def models() -> Response:
        """List the networks that can be asked."""
        cards = [model_card(name, reader) for name, reader in desk.readers.items()]
        return json_response({"default": DEFAULT_MODEL, "models": cards})

    _add_noise(router, desk, corrupt)
    return router


def _add_noise(router: APIRouter, desk: Dispatcher, corrupt: Corrupt) -> None:
    """Add the route that puts a named noise on a picture."""

    @router.post(
        "/noise",
        openapi_extra=picture_body("noise?noise=rotate(degrees=30)"),
        response_class=Response,
        responses={
            200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
            **_REFUSALS,
            **problems(501),
        },
    )
    async def noise(
        request: Request,
        noise: Annotated[
            str,
            Query(
                max_length=300, description="A corruption, a chain or a preset.",
                examples=["rotate(degrees=30) + gaussian(sigma=0.2)", "noisy-mnist"],
            ),
        ],
        seed: Annotated[int, Query(ge=0, le=2**31 - 1, description="Of what is drawn.")] = 0,
    ) -> Response:  # fmt: skip
        """Return a picture of one digit at 28x28, as a PNG file, under a named noise."""
        picture = await picture_in(request)
        try:
            noisy = await desk.large.ask(lambda: corrupt(digit_of(picture), noise, seed))
        except ModuleNotFoundError:
            raise Refused(
                501, f"Noise by name needs torch beside the server, {install_hint('train')}"
            ) from None
        return Response(encode_png(Image.fromarray(noisy)), media_type="image/png")


async def _answer(
    desk: Dispatcher, limits: Limits, reader: Reader, model: str, picture: bytes
) -> dict[str, Any]:
    question = PredictRequest(partial(load_request_image, picture), (model,))
    try:
        told = await desk.ask(question, large=is_large(picture, limits))
    except NoInkError:
        return no_ink()
    return prediction_json(reader, told.probabilities[model][0], told.doubt)


def _page(picture: bytes, reader: Reader) -> dict[str, Any]:
    """Return what stands on a picture, in the API's words."""
    pixels_of(picture)
    page = read_page(open_page(picture), reader)
    digits = [
        {"box": digit.box, "line": digit.line, "number": digit.number, **_words(digit.prediction)}
        for digit in page.digits
    ]
    return {"size": page.size, "numbers": page.numbers, "lines": page.lines, "digits": digits}


def prediction_json(
    reader: Reader, probabilities: NDArray[np.float64], doubt: QualityCheck
) -> dict[str, Any]:
    """Return what a reader says, in the API's words."""
    judged = doubt.apply(*reader.to_predictions(probabilities[None]))
    each = [round(value, _DECIMALS) for value in probabilities.tolist()]
    return _words(judged) | {"probabilities": each}


def _words(judged: Prediction) -> dict[str, Any]:
    return {
        name: round(value, _DECIMALS) if isinstance(value, float) else value
        for name, value in vars(judged).items()
    }


def no_ink() -> dict[str, Any]:
    """Return the answer for a picture on which there is nothing."""
    return {
        "digit": None, "confidence": 0.0, "runner_up": None, "runner_up_confidence": 0.0,
        "unsure": "no ink", "probabilities": [0.0] * CLASSES,
    }  # fmt: skip


def model_card(name: str, reader: Reader) -> dict[str, Any]:
    """Return what is to be known of a network."""
    return {
        "name": name,
        "architecture": reader.classifier.metadata.text("model"),
        "threshold": round(reader.threshold, _DECIMALS) if reader.threshold <= 1 else None,
    }


def json_response(content: Any, status: int = 200) -> Response:
    """Return a response; quicker than by way of a pydantic model."""
    return Response(
        json.dumps(content, allow_nan=False, separators=(",", ":")), status,
        media_type="application/json",
    )  # fmt: skip
