"""The application of `inkfast review`: one page, its answers and its corrections."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import BaseModel, Field
from starlette.staticfiles import StaticFiles

from inkfast.core.errors import InkfastError
from inkfast.serving.app import add_error_handlers
from inkfast.serving.limits import Limits
from inkfast.serving.metrics import Metrics
from inkfast.serving.middleware import RequestGuard
from inkfast.serving.review_items import Review
from inkfast.serving.routes_lab import PAGE
from inkfast.serving.routes_v1 import json_response


class CorrectionBody(BaseModel):
    """A correction that a page sends."""

    corrected: str = Field(max_length=200, description="The right text, `none`, or nothing.")
    was: str = Field(max_length=200, description="The correction that the page knows of.")


def build_review_app(review: Review, token: str, limits: Limits) -> RequestGuard:
    """Return the application.

    Args:
        review: The review.
        token: Token that the page must send.
        limits: How much the page may send.
    """
    app = FastAPI(title="inkfast review", openapi_url=None, docs_url=None, redoc_url=None)
    add_error_handlers(app)

    @app.get("/")
    def page() -> Response:
        return Response((PAGE / "review.html").read_bytes(), media_type="text/html")

    @app.get("/v1/review")
    def card() -> Response:
        return json_response(review.card())

    @app.get("/v1/review/{row}")
    def look(row: int) -> Response:
        return json_response(review.look(_check_row(review, row)))

    @app.put("/v1/review/{row}")
    def correct(row: int, body: CorrectionBody) -> Response:
        review.correct(_check_row(review, row), body.corrected, body.was)
        return json_response({"row": row, "corrected": body.corrected})

    app.mount("/page", StaticFiles(directory=PAGE))
    return RequestGuard(app, limits, token, Metrics(), lambda: None, "127.0.0.1")


def _check_row(review: Review, row: int) -> int:
    """Return a row of the answers that is shown."""
    if row not in review.rows:
        raise InkfastError(f"expected a row of this review, got {row:,}. Reload the page.")
    return row
