"""`/v1/lab`: one request of the Noise Lab page for each movement of pen or slider."""

from __future__ import annotations

import base64
import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model

from inkfast.core.errors import NoInkError
from inkfast.serving import examples
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.limits import Limits
from inkfast.serving.multipart import read_request_image
from inkfast.serving.occlusion_map import occlusion_map
from inkfast.serving.page_noise import SLIDERS, Slider, slider_chain
from inkfast.serving.prediction import PredictRequest
from inkfast.serving.request_images import is_large, lab_images
from inkfast.serving.request_pages import first_page, is_plain
from inkfast.serving.routes_v1 import json_response, model_card, no_ink, prediction_json
from inkfast.serving.schemas import LabSchema, image_body, problems

PAGE = Path(__file__).parent / "page"
SHOWN = ("dense", "cnn", "reader")  # networks on the page, the weakest first


def _field(slider: Slider) -> Any:
    text = f"{slider.title}: {slider.name}, {slider.parameter}."
    return (float, Field(slider.neutral, ge=slider.low, le=slider.high, description=text))


class _LabQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of grain and specks.")
    occlusion: bool = Field(
        False, description="Whether to return occlusion maps, which takes longer."
    )


# the query with a field for each slider
_Query: Any = create_model(
    "LabQuery", __base__=_LabQuery, **{slider.name: _field(slider) for slider in SLIDERS}
)
_REFUSALS = problems(400, 401, 413, 415, 421, 422, 501, 503)


def routes_lab(dispatcher: Dispatcher, limits: Limits) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/lab", tags=["Noise Lab"])
    shown = tuple(name for name in SHOWN if name in dispatcher.readers)
    curves = json.loads((PAGE / "curves.json").read_text(encoding="utf-8"))

    @router.get("", responses=examples.example_response(examples.LAB) | problems(401, 421))
    async def lab() -> Response:
        """Return the sliders, the networks, and curves of accuracy against noise."""
        cards = [model_card(name, dispatcher.readers[name]) for name in shown]
        sliders = [vars(slider) for slider in SLIDERS]
        return json_response({"models": cards, "sliders": sliders, "curves": curves})

    @router.post(
        "",
        openapi_extra=image_body("lab?rotate=30"),
        responses=examples.example_response(examples.LOOKED, LabSchema) | _REFUSALS,
    )
    async def look(request: Request, query: Annotated[_Query, Query()]) -> Response:
        """Apply the sliders' noise to an image of one digit, and classify it with every network."""
        image, warning = await read_request_image(request), ""
        if not is_plain(image):
            image, warning = await dispatcher.large.submit(partial(first_page, image))
        large = query.occlusion or is_large(image, limits)
        strengths = _strengths(query)
        images = partial(lab_images, image, strengths, query.seed, occlusion=query.occlusion)
        try:
            response = await dispatcher.predict(PredictRequest(images, shown), large=large)
        except NoInkError:
            predictions = dict.fromkeys(shown, no_ink())
            return json_response({"clean_digit": None, "predictions": predictions})
        clean, noisy = response.images[:2]
        rows = response.probabilities
        predictions = {
            name: prediction_json(dispatcher.readers[name], rows[name][1], response.quality)
            for name in shown
        }
        content: dict[str, Any] = {
            "noise": slider_chain(strengths),
            "warning": warning,
            "clean": _encode_pixels(clean),
            "seen": _encode_pixels(noisy),
            "clean_digit": int(rows[shown[-1]][0].argmax()),
            "predictions": predictions,
        }
        if query.occlusion:
            maps = {
                name: _encode_pixels(np.rint(255 * occlusion_map(rows[name][1:]))) for name in shown
            }
            content["occlusion"] = maps
        return json_response(content)

    return router


def _strengths(query: _LabQuery) -> dict[str, float]:
    return {slider.name: getattr(query, slider.name) for slider in SLIDERS}


def _encode_pixels(image: np.ndarray[Any, Any]) -> str:
    """Return 784 bytes in base64."""
    return base64.b64encode(image.astype(np.uint8).tobytes()).decode()
