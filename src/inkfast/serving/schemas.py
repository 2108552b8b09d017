"""The shapes of what is answered, for OpenAPI; what is sent is built as plain dictionaries."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

ModelName = Annotated[str, Field(pattern="^[a-z0-9_-]{1,64}$", examples=["reader"])]
ModelQuery = Annotated[ModelName, Query(description="Name of the network, see /v1/models.")]


class ProblemSchema(BaseModel):
    """Why a request was not answered as asked."""

    error: str = Field(description="What was expected, what came, what to do.")


class PredictionSchema(BaseModel):
    """What a network says of one digit."""

    digit: int | None = Field(ge=0, le=9, description="The likeliest; null where there is no ink.")
    confidence: float = Field(ge=0, le=1, description="Calibrated probability that it is right.")
    runner_up: int | None = Field(ge=0, le=9, description="The next likeliest.")
    runner_up_confidence: float = Field(ge=0, le=1)
    unsure: str = Field(description="Why the digit should not be relied on; empty when it can be.")
    probabilities: list[float] = Field(description="Of the digits 0 to 9.")


class PredictedSchema(BaseModel):
    """One answer a picture, in their order."""

    model: str
    answers: list[PredictionSchema]


class LabSchema(BaseModel):
    """What networks see and say; of a picture without ink `clean_digit` and `answers` alone."""

    noise: str = Field("", description="What the sliders do, as `--noise` takes it.")
    clean: str = Field("", description="The digit before the noise: 28x28 bytes in base64.")
    seen: str = Field("", description="The same under the noise.")
    clean_digit: int | None = Field(ge=0, le=9, description="The reader's guess without noise.")
    answers: dict[str, PredictionSchema] = Field(description="By network.")
    heat: dict[str, str] = Field({}, description="What mattered, likewise; only if asked for.")


class PageDigitSchema(BaseModel):
    """A digit on a page."""

    box: tuple[int, int, int, int] = Field(description="Left, top, width and height, in pixels.")
    line: int = Field(description="Of the page, from 0.")
    number: int = Field(description="Of the page, from 0: digits that stand together share it.")
    digit: int = Field(ge=0, le=9)
    confidence: float = Field(ge=0, le=1)
    runner_up: int = Field(ge=0, le=9)
    runner_up_confidence: float = Field(ge=0, le=1)
    unsure: str


class PageSchema(BaseModel):
    """What stands on a picture; `?` in a number is a digit that the reader is unsure of."""

    size: tuple[int, int] = Field(description="Width and height of the upright picture, in pixels.")
    numbers: list[str]
    lines: list[list[str]]
    digits: list[PageDigitSchema]


class PagesSchema(BaseModel):
    """One page a picture, in their order."""

    model: str
    pages: list[PageSchema]


class ModelCard(BaseModel):
    """A network that can be asked."""

    name: str
    architecture: str
    threshold: float | None = Field(
        description="Confidence from which it answers without being unsure; null if it never is "
        "sure, since no promise about its errors could be made."
    )


class ModelsSchema(BaseModel):
    """All networks that can be asked."""

    default: str
    models: list[ModelCard]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI is told of the ways in which a request can be refused."""
    words = {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        404: "There is nothing of this name.",
        413: "The body or the picture is too large.",
        415: "The picture is none of the six formats.",
        421: "The server was called by a foreign name.",
        422: "A parameter or the picture cannot be used.",
        501: "This installation cannot do it.",
        503: "All hands are busy: try again after Retry-After seconds.",
    }
    return {one: {"model": ProblemSchema, "description": words[one]} for one in statuses}


def picture_body(route: str) -> dict[str, Any]:
    """Return what OpenAPI is told of a body that is a picture, raw or multipart."""
    example = f"curl --data-binary @digit.png 'localhost:8000/v1/{route}'"
    binary = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": binary},
        "additionalProperties": False,
    }
    kinds = [f"image/{kind}" for kind in ("png", "jpeg", "webp", "bmp", "gif", "tiff")]
    content: dict[str, Any] = {kind: {"schema": binary} for kind in kinds}
    parts = {"file": {"contentType": ", ".join(kinds)}}
    content["multipart/form-data"] = {"schema": form, "encoding": parts}
    return {
        "requestBody": {
            "required": True,
            "description": f"A picture of at most 15 MB and 50 million pixels. `{example}`",
            "content": content,
        }
    }
