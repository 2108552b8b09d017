"""`/v1/lab`: what the Noise Lab page asks; one request for each movement of pen or slider."""

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
from inkfast.serving.multipart import picture_in
from inkfast.serving.occlusion_map import occlusion_map
from inkfast.serving.page_noise import SLIDERS, Slider, chain
from inkfast.serving.prediction import PredictRequest
from inkfast.serving.request_images import images_under, is_large
from inkfast.serving.routes_v1 import json_response, model_card, no_ink, prediction_json
from inkfast.serving.schemas import LabSchema, picture_body, problems

PAGE = Path(__file__).parent / "page"
SHOWN = ("dense", "cnn", "reader")  # networks side by side, the weakest first


def _field(slider: Slider) -> Any:
    text = f"{slider.title}: {slider.name}, {slider.parameter}."
    return (float, Field(slider.neutral, ge=slider.low, le=slider.high, description=text))


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of grain and specks.")
    heat: bool = Field(False, description="Whether to say what mattered, which takes longer.")


# the same with a field for each slider
_Sliders: Any = create_model(
    "Asked", __base__=_Asked, **{slider.name: _field(slider) for slider in SLIDERS}
)
_REFUSALS = problems(400, 401, 413, 415, 421, 422, 503)


def routes_lab(desk: Dispatcher, limits: Limits) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/lab", tags=["Noise Lab"])
    shown = tuple(name for name in SHOWN if name in desk.readers)
    curves = json.loads((PAGE / "curves.json").read_text(encoding="utf-8"))

    @router.get("", responses=examples.example_response(examples.LAB) | problems(401, 421))
    async def lab() -> Response:
        """Describe the sliders, the networks, and how accuracy falls as noise grows."""
        cards = [model_card(name, desk.readers[name]) for name in shown]
        sliders = [vars(slider) for slider in SLIDERS]
        return json_response({"models": cards, "sliders": sliders, "curves": curves})

    @router.post(
        "",
        openapi_extra=picture_body("lab?rotate=30"),
        responses=examples.example_response(examples.LOOKED, LabSchema) | _REFUSALS,
    )
    async def look(request: Request, asked: Annotated[_Sliders, Query()]) -> Response:
        """Put a picture of one digit under the sliders' noise and ask every network."""
        picture = await picture_in(request)
        large = asked.heat or is_large(picture, limits)
        strengths = _strengths(asked)
        images = partial(images_under, picture, strengths, asked.seed, places=asked.heat)
        question = PredictRequest(images, shown)
        try:
            told = await desk.ask(question, large=large)
        except NoInkError:
            return json_response({"clean_digit": None, "answers": dict.fromkeys(shown, no_ink())})
        clean, noisy = told.images[:2]
        rows = told.probabilities
        answers = {
            name: prediction_json(desk.readers[name], rows[name][1], told.doubt) for name in shown
        }
        content: dict[str, Any] = {
            "noise": chain(strengths),
            "clean": _packed(clean),
            "seen": _packed(noisy),
            "clean_digit": int(rows[shown[-1]][0].argmax()),
            "answers": answers,
        }
        if asked.heat:
            maps = {name: _packed(np.rint(255 * occlusion_map(rows[name][1:]))) for name in shown}
            content["heat"] = maps
        return json_response(content)

    return router


def _strengths(asked: _Asked) -> dict[str, float]:
    return {slider.name: getattr(asked, slider.name) for slider in SLIDERS}


def _packed(image: np.ndarray[Any, Any]) -> str:
    """Return 784 bytes as text."""
    return base64.b64encode(image.astype(np.uint8).tobytes()).decode()
