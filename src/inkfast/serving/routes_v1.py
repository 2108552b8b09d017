"""`/v1`: images in, predictions out."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.digits import CLASSES, Images
from inkfast.core.errors import InkfastError, NoInkError, install_hint, unknown_name
from inkfast.core.io import nan_to_none
from inkfast.imaging.opening import LoadedImage, encode_png
from inkfast.inference.columns import DECIMALS
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page import open_page, read_document_page, read_page
from inkfast.inference.page_result import Page, PageNumber
from inkfast.inference.quality import QualityCheck
from inkfast.inference.read_options import ReadOptions
from inkfast.inference.reader import DEFAULT_MODEL, Prediction, Reader
from inkfast.inference.results import NO_INK
from inkfast.inference.tables import read_tables
from inkfast.serving import examples
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.multipart import read_request_files, read_request_image
from inkfast.serving.prediction import PredictRequest
from inkfast.serving.request_images import count_pixels, digit_image, is_large, load_request_views
from inkfast.serving.request_pages import (
    PageDeadline,
    RequestPage,
    list_request_pages,
    load_page_views,
)
from inkfast.serving.schemas import (
    CountQuery,
    DigitsOnlyQuery,
    EachQuery,
    ExpectQuery,
    ModelQuery,
    ModelsSchema,
    PageModelQuery,
    PagesQuery,
    PagesSchema,
    PredictedSchema,
    TableQuery,
    image_body,
    problems,
)

Corrupt = Callable[[Images, str, int], Images]  # image, chain of noise, seed -> image

_REFUSALS = problems(400, 401, 404, 413, 415, 421, 422, 501, 503)


def routes_v1(dispatcher: Dispatcher, limits: Limits, corrupt: Corrupt) -> APIRouter:
    """Return the routes.

    Args:
        dispatcher: Answers the requests.
        limits: How much clients may send.
        corrupt: Applies noise to an image; raises ModuleNotFoundError where torch is missing.
    """
    router = APIRouter(prefix="/v1", tags=["digits"], dependencies=[Depends(_refuse_unknown)])

    @router.post(
        "/predict",
        openapi_extra=image_body("predict"),
        responses=examples.example_response(examples.PREDICTED, PredictedSchema) | _REFUSALS,
    )
    async def predict(
        request: Request, model: ModelQuery = DEFAULT_MODEL, pages: PagesQuery = None
    ) -> Response:
        """Classify images, or pages of documents, of one digit each."""
        reader, deadline = dispatcher.reader(model), PageDeadline(limits)
        files = await read_request_files(request, limits.files)
        found = await list_request_pages(dispatcher, files, pages, limits)
        # one after the other, so that many images leave room in the queue for other requests
        predictions = [
            await _predict_page(dispatcher, limits, deadline, reader, model, page) for page in found
        ]
        return json_response(
            {
                "model": model,
                "predictions": predictions,
                "drift_warning": dispatcher.drift[model].warning,
            }
        )

    @router.post(
        "/read",
        openapi_extra=image_body("read"),
        responses=examples.example_response(examples.PAGES, PagesSchema) | _REFUSALS,
    )
    async def read(
        request: Request,
        model: PageModelQuery = None,
        per_line: CountQuery = None,
        expect: ExpectQuery = None,
        digits: CountQuery = None,
        digits_only: DigitsOnlyQuery = False,
        each: EachQuery = "number",
        table: TableQuery = False,
        pages: PagesQuery = None,
    ) -> Response:
        """Read the numbers on images or pages of documents, line by line."""
        (name, reader), deadline = dispatcher.page_reader(model), PageDeadline(limits)
        options = ReadOptions(per_line, expect, digits, digits_only)
        read_opened = partial(read_tables if table else read_page, reader=reader, options=options)
        files = await read_request_files(request, limits.files)
        found, drift = [], dispatcher.drift[name]
        for asked in await list_request_pages(dispatcher, files, pages, limits):
            job = partial(_read_request_page, asked, deadline, read_opened, each)
            page, content = await dispatcher.large.submit(job)
            drift.add_page(page, options)
            found.append(content)
        return json_response({"model": name, "pages": found, "drift_warning": drift.warning})

    @router.get(
        "/models",
        responses=examples.example_response(examples.MODELS_EXAMPLE, ModelsSchema)
        | problems(401, 421),
    )
    async def models() -> Response:
        """List the networks."""
        default, _ = dispatcher.page_reader(None)
        cards = [model_card(name, reader) for name, reader in dispatcher.page_readers.items()]
        return json_response({"default": DEFAULT_MODEL, "default_read": default, "models": cards})

    _add_noise(router, dispatcher, corrupt)
    return router


def _refuse_unknown(request: Request) -> None:
    """Refuse a query parameter that the route does not have: it may be one with a typing error."""
    known = [field.alias for field in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            raise unknown_name("query parameter", name, known)


def _add_noise(router: APIRouter, dispatcher: Dispatcher, corrupt: Corrupt) -> None:
    """Add the route that applies named noise to an image."""

    @router.post(
        "/noise",
        openapi_extra=image_body("noise?noise=rotate(degrees=30)"),
        response_class=Response,
        responses={
            200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
            **_REFUSALS,
        },
    )
    async def noise(
        request: Request,
        noise: Annotated[
            str,
            Query(
                max_length=300, description="Corruption, noise chain or preset.",
                examples=["rotate(degrees=30) + gaussian(sigma=0.2)", "noisy-mnist"],
            ),
        ],
        seed: Annotated[int, Query(ge=0, le=2**31 - 1, description="Seed of the noise.")] = 0,
    ) -> Response:  # fmt: skip
        """Return an image of one digit at 28x28 under named noise, as a PNG file."""
        image = await read_request_image(request)
        try:
            noisy = await dispatcher.large.submit(lambda: corrupt(digit_image(image), noise, seed))
        except ModuleNotFoundError:
            raise Refused(
                501, f"Noise by name needs torch beside the server, {install_hint('train')}"
            ) from None
        return Response(encode_png(Image.fromarray(noisy)), media_type="image/png")


async def _predict_page(
    dispatcher: Dispatcher,
    limits: Limits,
    deadline: PageDeadline,
    reader: Reader,
    model: str,
    page: RequestPage,
) -> dict[str, Any]:
    """Return the prediction for an image or a page as JSON; a damaged page has its error."""
    where = {"file": page.file, "page": page.number, "warning": page.warning, "error": ""}
    try:
        deadline.check(page)
        return where | await _predict_image(dispatcher, limits, reader, model, page)
    except InkfastError as error:
        if page.document is None:
            raise
        return where | no_ink() | {"unsure": "", "error": str(error)}


async def _predict_image(
    dispatcher: Dispatcher, limits: Limits, reader: Reader, model: str, page: RequestPage
) -> dict[str, Any]:
    if page.document:
        load, large = partial(load_page_views, page.document, page.number), True
    else:
        load, large = partial(load_request_views, page.content), is_large(page.content, limits)
    try:
        response = await dispatcher.predict(PredictRequest(load, (model,)), large=large)
    except NoInkError:
        return no_ink()
    views = response.probabilities[model]
    chosen = views[reader.choose_view(views)]
    dispatcher.drift[model].add_predictions(reader.to_predictions(chosen[None]))
    return prediction_json(reader, chosen, response.quality)


def _read_request_page(
    asked: RequestPage,
    deadline: PageDeadline,
    read_opened: Callable[[LoadedImage], Page],
    each: str,
) -> tuple[Page, dict[str, Any]]:
    """Return what is read on an image or a page, and the same as JSON."""
    page = _read_opened_page(asked, deadline, read_opened)
    return page, {
        "file": asked.file, "page": page.page, "width": page.size[0], "height": page.size[1],
        "turned": page.turned, "left_out": page.left_out,
        "warning": " ".join(filter(None, (asked.warning, page.too_small))), "error": page.error,
        "lines": page.lines, "numbers": [_number_json(number, each) for number in page.numbers],
        "tables": [table.texts() for table in page.tables],
    }  # fmt: skip


def _read_opened_page(
    asked: RequestPage, deadline: PageDeadline, read_opened: Callable[[LoadedImage], Page]
) -> Page:
    """Return what is read on an image or a page; a page that cannot be read has its error."""
    if asked.document is None:
        count_pixels(asked.content)
        return read_opened(open_page(asked.content))
    try:
        deadline.check(asked)
    except InkfastError as error:
        return Page((0, 0), (), asked.number, error=str(error))
    return read_document_page(asked.document, asked.number, read_opened)


def _number_json(number: PageNumber, each: str) -> dict[str, Any]:
    row = number.row()
    return row if each == "number" else row | {"characters": list(number.character_rows())}


def prediction_json(
    reader: Reader, probabilities: NDArray[np.float64], quality: QualityCheck
) -> dict[str, Any]:
    """Return the prediction of a reader as JSON."""
    prediction = quality.apply(*reader.to_predictions(probabilities[None]))
    each = [round(value, DECIMALS) for value in probabilities.tolist()]
    return _fields(prediction) | {"probabilities": [] if reader.labels_only else each}


def _fields(prediction: Prediction) -> dict[str, Any]:
    return {
        name: nan_to_none(round(value, DECIMALS)) if isinstance(value, float) else value
        for name, value in vars(prediction).items()
    }


def no_ink() -> dict[str, Any]:
    """Return the prediction for an image without ink."""
    return {
        "digit": None, "confidence": 0.0, "runner_up": None, "runner_up_confidence": 0.0,
        "unsure": NO_INK, "probabilities": [0.0] * CLASSES,
    }  # fmt: skip


def model_card(name: str, reader: Reader | NumberReader) -> dict[str, Any]:
    """Return the description of a network as JSON."""
    network = reader.network if isinstance(reader, NumberReader) else reader.classifier
    return {
        "name": name,
        "reads": "numbers" if isinstance(reader, NumberReader) else "digits",
        "architecture": network.metadata.text("model"),
        "threshold": round(reader.threshold, DECIMALS) if reader.threshold <= 1 else None,
    }


def json_response(content: Any, status: int = 200) -> Response:
    """Return a JSON response; faster than through a pydantic model."""
    return Response(
        json.dumps(content, allow_nan=False, separators=(",", ":")), status,
        media_type="application/json",
    )  # fmt: skip
