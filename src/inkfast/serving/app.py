"""The application: all routes, behind one `RequestGuard`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles

from inkfast.core.errors import InkfastError
from inkfast.inference.drift import DriftMonitor
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.reader import Reader
from inkfast.serving import examples, routes_lab, routes_v1, routes_v2
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.limits import Limits, Refused
from inkfast.serving.metrics import Metrics
from inkfast.serving.middleware import RequestGuard, refusal
from inkfast.serving.routes_v1 import Corrupt, json_response
from inkfast.serving.schemas import problems
from inkfast.serving.worker_pool import ReaderPool

_ABOUT = "Reads handwritten digits, and shows how networks hold under noise."


def build_app(
    readers: Mapping[str, Reader],
    page_readers: Mapping[str, NumberReader] | None = None,
    *,
    corrupt: Corrupt,
    token: str = "",
    limits: Limits | None = None,
    workers: ReaderPool | None = None,
    address: str = "127.0.0.1",
) -> RequestGuard:
    """Return the application.

    Args:
        readers: Readers of digits by name; names match `[a-z0-9_-]{1,64}`.
        page_readers: Readers of numbers by name, of which `/v1/read` takes the first.
        corrupt: Applies named noise to an image; raises ModuleNotFoundError where torch is missing.
        token: Token that clients must send; "" if only this machine can reach the server.
        limits: How much clients may send.
        workers: Processes that run the networks; None uses threads of this process.
        address: Address at which the server listens.
    """
    limits = limits or Limits()
    metrics = Metrics()
    dispatcher = Dispatcher(readers, limits, workers, page_readers or {})
    metrics.callback(
        "inkfast_requests_waiting", "Requests waiting in a queue.", lambda: dispatcher.waiting
    )
    metrics.callbacks(
        "inkfast_drift_alarm",
        "Whether answers are less confident than those of the calibration.",
        {name: partial(_is_alarmed, monitor) for name, monitor in dispatcher.drift.items()},
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        dispatcher.stop()

    app = FastAPI(
        title="inkfast", version=version("inkfast"), description=_ABOUT, lifespan=lifespan,
        docs_url=None, redoc_url=None, default_response_class=Response,
    )  # fmt: skip
    add_error_handlers(app)
    app.include_router(routes_v1.routes_v1(dispatcher, limits, corrupt))
    app.include_router(routes_lab.routes_lab(dispatcher, limits))
    app.include_router(routes_v2.routes_v2(dispatcher, limits))
    _add_health(app, metrics)
    _add_page(app)
    return RequestGuard(app, limits, token, metrics, dispatcher.drain, address)


def add_error_handlers(app: FastAPI) -> None:
    """Let an application answer every error with one sentence, as JSON."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(InkfastError, _unusable)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)


def _is_alarmed(monitor: DriftMonitor) -> bool:
    return bool(monitor.warning)


def _add_health(app: FastAPI, metrics: Metrics) -> None:
    @app.get(
        "/healthz",
        tags=["health"],
        responses=examples.example_response({"status": "ok"}) | problems(421),
    )
    async def healthz() -> Response:
        """Say that the server runs."""
        return json_response({"status": "ok"})

    @app.get(
        "/readyz",
        tags=["health"],
        responses=examples.example_response({"status": "ready"}) | problems(421),
    )
    async def readyz() -> Response:
        """Say that every network is ready: they are loaded before the server listens."""
        return json_response({"status": "ready"})

    @app.get(
        "/metrics",
        tags=["health"],
        responses={
            200: {"content": {"text/plain": {"example": examples.METRICS}}},
            **problems(401, 421),
        },
    )
    async def prometheus() -> Response:
        """Return metrics in Prometheus' format."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return Response((routes_lab.PAGE / "index.html").read_bytes(), media_type="text/html")

    app.mount("/page", StaticFiles(directory=routes_lab.PAGE))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 - registered for it alone
    return refusal(error)


async def _unusable(_: Request, error: Exception) -> Response:
    return json_response({"error": str(error)}, 422)


async def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # only the metrics show it


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
    return json_response({"error": "; ".join(faults)}, 422)


async def _no_route(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    response = json_response({"error": error.detail}, error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _failed(_: Request, __: Exception) -> Response:
    return json_response(
        {"error": "The server failed to answer this request. Its log says why."}, 500
    )
