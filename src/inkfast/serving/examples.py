"""Example responses for OpenAPI; tests compare their structure with real ones."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

_SEVEN = {
    "digit": 7, "confidence": 0.9998, "runner_up": 1, "runner_up_confidence": 0.0001,
    "unsure": "", "probabilities": [0, 0.0001, 0, 0.0001, 0, 0, 0, 0.9998, 0, 0],
}  # fmt: skip
_UNSURE = {
    "digit": 1, "confidence": 0.502125, "runner_up": 7, "runner_up_confidence": 0.38401,
    "unsure": "it may be 1 or 7",
    "probabilities": [0, 0.502125, 0.0066, 0.0566, 0.0002, 0.0001, 0, 0.38401, 0.0436, 0.0067],
}  # fmt: skip
_FILE = {"file": "digit.png", "page": 1, "warning": "", "error": ""}
PREDICTED = {"model": "reader", "predictions": [_FILE | _SEVEN], "drift_warning": ""}
PAGES = {
    "model": "reader",
    "pages": [
        {
            **_FILE, "width": 4032, "height": 3024, "turned": 0, "left_out": 0, "lines": [["47"]],
            "numbers": [
                {"line": 1, "number": 1, "text": "47", "confidence": 0.9988,
                 "runner_up_text": "41", "runner_up_confidence": 0.0005, "unsure": "",
                 "left": 310, "top": 200, "width": 194, "height": 140, "slope": 1.5},
            ],
            "tables": [],
        }
    ],
    "drift_warning": "",
}  # fmt: skip
_CARD = {
    "name": "cnn",
    "reads": "digits",
    "architecture": "cnn(layers='C32-MP-C64-MP-128')",
    "threshold": 0.880797,
}
MODELS_EXAMPLE = {"default": "reader", "default_read": "number-reader", "models": [_CARD]}
LAB = {
    "models": [_CARD],
    "sliders": [
        {"name": "blur", "parameter": "sigma", "title": "Blur", "unit": " px", "low": 0, "high": 3,
         "step": 0.1, "neutral": 0.0, "pair": False}
    ],
    "curves": {
        "n": 10000,
        "curves": {"blur": {"strengths": [0.0, 3.0], "accuracy": {"cnn": [0.9913, 0.5372]}}},
    },
}  # fmt: skip
LOOKED = {
    "noise": "rotate(degrees=[30, 30])", "warning": "", "clean": "AAAA...", "seen": "AAAA...",
    "clean_digit": 7,
    "predictions": {"cnn": _UNSURE, "reader": _SEVEN},
}  # fmt: skip
METRICS = 'inkfast_requests_total{route="/v1/predict",status="200"} 12.0\n'


def example_response(
    example: dict[str, Any], model: type[BaseModel] | None = None
) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of a response: an example, and its schema if there is one."""
    described: dict[str, Any] = {"content": {"application/json": {"example": example}}}
    return {200: described | {"model": model} if model else described}
