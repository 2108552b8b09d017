"""`/v2`: the Open Inference Protocol with its extension for binary tensors, as Triton speaks it.

Source: github.com/kserve/open-inference-protocol, and Triton's extension_binary_data.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES, SIDE, Images
from inkfast.core.errors import short_repr
from inkfast.serving.dispatcher import Dispatcher
from inkfast.serving.examples import example_response
from inkfast.serving.limits import Limits, Refused, length_in
from inkfast.serving.prediction import PredictRequest
from inkfast.serving.routes_v1 import json_response
from inkfast.serving.schemas import ModelName, problems

_INPUT, _OUTPUT = "images", "probabilities"
_SPLIT = "inference-header-content-length"  # where JSON ends and binary tensors begin
_TENSOR = {
    "inputs": [{"name": _INPUT, "datatype": "UINT8", "shape": [-1, SIDE, SIDE]}],
    "outputs": [{"name": _OUTPUT, "datatype": "FP32", "shape": [-1, CLASSES]}],
}
_BLANK_IMAGE = [[[0] * SIDE for _ in range(SIDE)]]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": (
            "One tensor `images`, UINT8 (n, 28, 28), ink bright on dark; as JSON, or binary after "
            "the JSON, whose length the header Inference-Header-Content-Length then gives."
        ),
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {"inputs": {"type": "array"}, "id": {"type": "string"}},
                },
                "example": {
                    "inputs": [
                        {"name": _INPUT, "datatype": "UINT8", "shape": [1, SIDE, SIDE],
                         "data": _BLANK_IMAGE}
                    ]
                },
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}  # fmt: skip
_REFUSALS = problems(400, 401, 404, 413, 421, 422, 503)
_OK: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "model_name": "reader", "model_version": "1",
                    "outputs": [
                        {"name": _OUTPUT, "datatype": "FP32", "shape": [1, CLASSES],
                         "data": [0.91, *[0.01] * 9]}
                    ],
                },
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}  # fmt: skip
_SERVER = {"name": "inkfast", "version": version("inkfast"), "extensions": ["binary_tensor_data"]}
Name = Annotated[ModelName, Path(description="Name of the network.")]
Version = Annotated[str, Path(pattern="^1$", description="Version of the network; always 1.")]


def routes_v2(dispatcher: Dispatcher, limits: Limits) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])

    @router.get("/health/live", responses=example_response({"live": True}) | problems(421))
    async def live() -> Response:
        """Say that the server runs."""
        return json_response({"live": True})

    @router.get("/health/ready", responses=example_response({"ready": True}) | problems(421))
    async def ready() -> Response:
        """Say that every network is ready."""
        return json_response({"ready": True})

    @router.get("", responses=example_response(_SERVER) | problems(401, 421))
    async def server() -> Response:
        """Describe the server."""
        return json_response(_SERVER)

    model_routes = _model_routes(dispatcher, limits)
    router.include_router(model_routes, prefix="/models/{name}")
    router.include_router(
        model_routes,
        prefix="/models/{name}/versions/{version}",
        dependencies=[Depends(_check_version)],
    )
    return router


def _check_version(version: Version) -> None:
    """Validate the version in the path."""


def _model_routes(dispatcher: Dispatcher, limits: Limits) -> APIRouter:
    router = APIRouter()

    @router.get("/ready", responses=example_response({"name": "reader", "ready": True}) | _REFUSALS)
    async def ready(name: Name) -> Response:
        """Say that a network is ready."""
        dispatcher.reader(name)
        return json_response({"name": name, "ready": True})

    @router.get("", responses=example_response(_describe_model("reader")) | _REFUSALS)
    async def model(name: Name) -> Response:
        """Describe a network's tensors."""
        dispatcher.reader(name)
        return json_response(_describe_model(name))

    @router.post("/infer", openapi_extra=_BODY, responses=_OK | _REFUSALS)
    async def infer(request: Request, name: Name) -> Response:
        """Return class probabilities of a tensor of images."""
        dispatcher.reader(name)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise Refused(400, "Expected a body that is not compressed.")
        payload, binary = _split_body(await request.body(), request.headers.get(_SPLIT, ""))
        images = _read_tensor(payload, binary, limits.images)
        response = await dispatcher.predict(PredictRequest(partial(np.asarray, images), (name,)))
        return _response(payload, name, response.probabilities[name].astype("<f4"))

    return router


def _describe_model(name: str) -> dict[str, Any]:
    return {"name": name, "versions": ["1"], "platform": "onnxruntime_onnx", **_TENSOR}


def _split_body(body: bytes, length: str) -> tuple[dict[str, Any], bytes]:
    """Return the JSON of a request and the bytes after it."""
    end = len(body)
    if length:
        given = length_in(length)
        if given is None or given > end:
            raise Refused(400, f"{_SPLIT}: expected at most {end}, got {short_repr(length)}.")
        end = given
    try:
        payload = json.loads(body[:end])
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise Refused(400, "Expected a JSON object with `inputs`.")
    return payload, body[end:]


def _read_tensor(payload: Mapping[str, Any], binary: bytes, most: int) -> Images:
    """Return the images of a request, uint8 ``(n, 28, 28)``."""
    inputs = payload.get("inputs")
    if not (isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], dict)):
        raise Refused(400, f"Expected one input, named {_INPUT}.")
    (tensor,) = inputs
    name, kind, shape = (tensor.get(key) for key in ("name", "datatype", "shape"))
    if (name, kind) != (_INPUT, "UINT8"):
        raise Refused(
            400,
            f"Expected the input {_INPUT} of UINT8, got {short_repr(name)} of {short_repr(kind)}.",
        )
    if not (
        isinstance(shape, list) and len(shape) == 3 and shape[1:] == [SIDE, SIDE]
        and type(shape[0]) is int and 1 <= shape[0] <= most
    ):  # fmt: skip
        raise Refused(
            400,
            f"Expected a shape [n, {SIDE}, {SIDE}] with n from 1 to {most}, "
            f"got {short_repr(shape)}.",
        )
    pixels = _pixels(tensor, binary)
    if pixels.size != shape[0] * SIDE * SIDE:
        raise Refused(400, f"Expected {shape[0] * SIDE * SIDE} pixels, got {pixels.size}.")
    return pixels.reshape(-1, SIDE, SIDE)


def _pixels(tensor: Mapping[str, Any], binary: bytes) -> NDArray[np.uint8]:
    size = _parameters(tensor).get("binary_data_size")
    if size is not None:
        if type(size) is not int or size != len(binary):
            raise Refused(
                400, f"Expected {short_repr(size)} bytes after the JSON, got {len(binary)}."
            )
        return np.frombuffer(binary, np.uint8)
    try:
        values = np.asarray(tensor.get("data"))
    except (ValueError, OverflowError):  # lists of unequal lengths
        values = np.array(None)
    if values.dtype.kind not in "iu" or not values.size or values.min() < 0 or values.max() > 255:
        raise Refused(400, "Expected `data` of whole numbers from 0 to 255.")
    return values.astype(np.uint8)


def _parameters(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    found = thing.get("parameters") or {}
    if not isinstance(found, dict):
        raise Refused(400, "Expected `parameters` to be a JSON object.")
    return found


def _response(payload: Mapping[str, Any], name: str, found: NDArray[np.float32]) -> Response:
    """Return the response, as JSON or with a binary tensor."""
    outputs = payload.get("outputs") or [{"name": _OUTPUT}]
    if not (
        isinstance(outputs, list) and len(outputs) == 1 and isinstance(outputs[0], dict)
        and outputs[0].get("name") == _OUTPUT
    ):  # fmt: skip
        raise Refused(400, f"Expected one output, named {_OUTPUT}.")
    if "classification" in (chosen := _parameters(outputs[0])):
        raise Refused(400, "The classification extension is not supported: use the probabilities.")
    tensor = {"name": _OUTPUT, "datatype": "FP32", "shape": list(found.shape)}
    content = {"model_name": name, "model_version": "1", "outputs": [tensor]}
    if isinstance(payload.get("id"), str):
        content["id"] = payload["id"]
    if not chosen.get("binary_data", _parameters(payload).get("binary_data_output", False)):
        return json_response(content | {"outputs": [tensor | {"data": found.ravel().tolist()}]})
    raw = found.tobytes()
    content["outputs"] = [tensor | {"parameters": {"binary_data_size": len(raw)}}]
    head = json.dumps(content).encode()
    return Response(
        head + raw, media_type="application/octet-stream", headers={_SPLIT: str(len(head))}
    )
