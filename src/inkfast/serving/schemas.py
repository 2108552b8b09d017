"""Schemas of responses for OpenAPI; the responses themselves are plain dictionaries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

ModelName = Annotated[str, Field(pattern="^[a-z0-9_-]{1,64}$", examples=["reader"])]
ModelQuery = Annotated[ModelName, Query(description="Name of the network, see /v1/models.")]

PageModelQuery = Annotated[
    ModelName | None,
    Query(description="Name of the network; by default one that reads numbers, see /v1/models."),
]
CountQuery = Annotated[
    int | None, Query(ge=1, le=1000, description="Count known beforehand: see `inkfast read`.")
]
ExpectQuery = Annotated[
    str | None,
    Query(
        min_length=1, max_length=300, examples=[r"\d{1,2}"],
        description="Regular expression that every number matches.",
    ),
]  # fmt: skip
DigitsOnlyQuery = Annotated[
    bool, Query(description="Whether all characters but digits are left out of the numbers.")
]
EachQuery = Annotated[
    Literal["number", "character"],
    Query(description="With character, each number also has a list of its characters."),
]
TableQuery = Annotated[
    bool, Query(description="Whether to read the cells of ruled tables and nothing else.")
]


PagesQuery = Annotated[
    str | None,
    Query(
        max_length=100, pattern=r"^[0-9]{1,4}(-[0-9]{0,4})?(,[0-9]{1,4}(-[0-9]{0,4})?)*$",
        description="Pages of each document, from 1; all by default.", examples=["1-3,7", "10-"],
    ),
]  # fmt: skip


class ProblemSchema(BaseModel):
    """Why a request was refused."""

    error: str = Field(description="What was expected, what was given, what to do.")


DriftWarning = Annotated[
    str,
    Field(
        description="Why more answers may be wrong than the network guarantees, as far as its "
        "answers since the server started tell; empty if nothing suggests it."
    ),
]


class PredictionSchema(BaseModel):
    """Prediction of a network for one digit."""

    digit: int | None = Field(
        ge=0, le=9, description="Most probable digit; null if there is no ink."
    )
    confidence: float | None = Field(
        ge=0, le=1,
        description="Calibrated probability that the digit is right; null from a network that "
        "returns labels alone, which has no runner-up and no probabilities either.",
    )  # fmt: skip
    runner_up: int | None = Field(ge=0, le=9, description="Second most probable digit.")
    runner_up_confidence: float | None = Field(
        ge=0, le=1, description="Probability of the runner-up."
    )
    unsure: str = Field(description="Why not to rely on the digit; empty if it can be relied on.")
    probabilities: list[float] = Field(
        description="Probabilities of the digits 0 to 9; may be empty."
    )


class PagePredictionSchema(PredictionSchema):
    """Prediction for an image, or for a page of a document."""

    file: str = Field(description="Name of the file as sent; else its position, from 1.")
    page: int = Field(ge=1, description="Page of the file, from 1.")
    warning: str = Field(description="What of the file was not read; empty if all of it was.")
    error: str = Field(description="Why the page could not be read; empty if it could.")


class PredictedSchema(BaseModel):
    """One prediction per image or page, in the order of the files and pages."""

    model: str
    predictions: list[PagePredictionSchema]
    drift_warning: DriftWarning


class LabSchema(BaseModel):
    """A digit under noise; without ink there are only `clean_digit` and `predictions`."""

    noise: str = Field("", description="Noise chain of the sliders, as for `--noise`.")
    warning: str = Field("", description="What of the file was not read; empty if all of it was.")
    clean: str = Field("", description="Digit before the noise: 28x28 bytes in base64.")
    seen: str = Field("", description="Digit under the noise, likewise.")
    clean_digit: int | None = Field(
        ge=0, le=9, description="The reader's prediction without noise."
    )
    predictions: dict[str, PredictionSchema] = Field(description="By name of the network.")
    occlusion: dict[str, str] = Field(
        {}, description="Occlusion maps by name of the network, likewise; only on request."
    )


class CharacterSchema(BaseModel):
    """A character of a number."""

    line: int
    number: int
    character: int = Field(ge=1, description="Character of the number, from 1.")
    text: str
    confidence: float = Field(ge=0, le=1)
    unsure: str
    left: int
    top: int
    width: int
    height: int
    slope: float


class NumberSchema(BaseModel):
    """A number on a page."""

    line: int = Field(ge=1, description="Line of the page, from 1.")
    number: int = Field(ge=1, description="Number on the page in reading order, from 1.")
    text: str = Field(description="The most probable text, even if `unsure` is set.")
    confidence: float = Field(
        ge=0, le=1, description="Calibrated probability that the text is right."
    )
    runner_up_text: str = Field(description="The second most probable text.")
    runner_up_confidence: float = Field(ge=0, le=1, description="Probability of the runner-up.")
    unsure: str = Field(description="Why not to rely on the text; empty if it can be relied on.")
    left: int = Field(description="Left edge of the box, in pixels of the upright image.")
    top: int
    width: int
    height: int
    slope: float = Field(description="Degrees by which the line of writing falls to the right.")
    characters: list[CharacterSchema] = Field([], description="Only on request.")


class PageSchema(BaseModel):
    """Numbers on a page; in `lines`, `?` stands for an unsure character."""

    file: str = Field(description="Name of the file as sent; else its position, from 1.")
    page: int = Field(ge=1, description="Page of the file, from 1.")
    error: str = Field(description="Why the page could not be read; empty if it could.")
    width: int = Field(description="Width of the upright image, in pixels.")
    height: int = Field(description="Height of the upright image, in pixels.")
    turned: int = Field(description="Degrees clockwise by which the image was turned upright.")
    left_out: int = Field(ge=0, description="Count of marks that were found but not read.")
    warning: str = Field(description="Why numbers may be missing; empty if nothing suggests it.")
    lines: list[list[str]]
    numbers: list[NumberSchema]
    tables: list[list[list[str]]] = Field(
        description="Text of each cell by row, of each table; only on request."
    )


class PagesSchema(BaseModel):
    """One page per image or page of a document, in the order of the files and pages."""

    model: str
    pages: list[PageSchema]
    drift_warning: DriftWarning


class ModelCard(BaseModel):
    """A network of the server."""

    name: str
    reads: Literal["digits", "numbers"]
    architecture: str
    threshold: float | None = Field(
        description="Confidence from which an answer is not unsure; null if all are unsure, "
        "since no bound on the error rate could be guaranteed."
    )


class ModelsSchema(BaseModel):
    """All networks of the server."""

    default: str = Field(description="Network of /v1/predict unless one is named.")
    default_read: str = Field(description="Network of /v1/read unless one is named.")
    models: list[ModelCard]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of refusals with these status codes."""
    words = {
        400: "The request cannot be read.",
        401: "The token is missing or wrong.",
        404: "There is no model of this name.",
        413: "The body or the image is too large.",
        415: "The file has none of the known formats.",
        421: "The host name is not one of this server's.",
        422: "A parameter or the image cannot be used.",
        501: "A package that this needs is not installed.",
        503: "The server is busy: try again after Retry-After seconds.",
    }
    return {one: {"model": ProblemSchema, "description": words[one]} for one in statuses}


def image_body(route: str) -> dict[str, Any]:
    """Return OpenAPI's description of a body that is an image, raw or multipart."""
    example = f"curl --data-binary @digit.png 'localhost:8000/v1/{route}'"
    binary = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": binary},
        "additionalProperties": False,
    }
    images = ("png", "jpeg", "webp", "bmp", "gif", "tiff", "avif", "heic")
    kinds = [*(f"image/{kind}" for kind in images), "application/pdf"]
    content: dict[str, Any] = {kind: {"schema": binary} for kind in kinds}
    parts = {"file": {"contentType": ", ".join(kinds)}}
    content["multipart/form-data"] = {"schema": form, "encoding": parts}
    return {
        "requestBody": {
            "required": True,
            "description": "An image of at most 50 million pixels, or a PDF, TIFF or HEIC file, "
            f"of at most 15 MB. `{example}`",
            "content": content,
        }
    }
