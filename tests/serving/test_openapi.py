"""Whatever OpenAPI says of a route holds for requests that are made from it, good and bad."""

from __future__ import annotations

import json
from contextlib import suppress

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.serving.makers import as_file, drawn

SETTINGS = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
PICTURES = st.sampled_from([as_file(drawn(digit, 60)) for digit in (2, 7)])
for kind in ("png", "jpeg", "webp", "bmp", "gif", "tiff", "avif", "heic"):
    openapi.media_type(f"image/{kind}", PICTURES)
openapi.media_type("application/pdf", PICTURES)  # what a body is, its content tells


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_route_conforms_to_its_schema(url, mode):
    """Every route returns described responses, refuses invalid requests and accepts valid ones."""
    described = openapi.from_url(f"{url}/openapi.json")
    asked = []
    for found in described.get_all_operations():

        @SETTINGS
        @given(case=found.ok().as_strategy(generation_mode=mode))
        def check(case):
            # JSON Schema can say neither which noise there is, nor that data must fill its shape,
            # nor which pages a file has, whether one has a table, nor which patterns there are
            loose = case.operation.path.endswith(("/noise", "/infer"))
            loose |= bool({"pages", "table", "expect"} & set(case.query or {}))
            excluded = [positive_data_acceptance] if loose else []
            asked.append(case.call_and_validate(excluded_checks=excluded).status_code)

        with suppress(Unsatisfiable):  # a route without parameters cannot be asked wrongly
            check()
    assert len(asked) > 60
    assert max(asked) < 500
    assert mode is GenerationMode.NEGATIVE or asked.count(200) > len(asked) / 4


def test_openapi_has_examples_and_refusals(url):
    """OpenAPI has examples, and a schema for every refusal."""
    described = httpx.get(f"{url}/openapi.json").json()
    predict = described["paths"]["/v1/predict"]["post"]
    assert "curl --data-binary @digit.png" in predict["requestBody"]["description"]
    for path, routes in described["paths"].items():
        for route in routes.values():
            assert "421" in route["responses"], path


def test_the_examples_have_the_structure_of_responses(api):
    """The example responses of OpenAPI have the structure of real ones."""
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 28, 28], "data": [0] * 784}
    for path, routes in api.get("/openapi.json").json()["paths"].items():
        asked = path.format(name="reader", version="1")
        for method, route in routes.items():
            content = route["responses"]["200"]["content"]
            if "image/png" in content:
                continue
            sent = json.dumps({"inputs": [tensor]}) if "infer" in path else as_file(drawn(7))
            found = api.request(method, asked, content=sent if method == "post" else None)
            if path == "/metrics":
                assert content["text/plain"]["example"].partition("{")[0] in found.text
                continue
            example = content["application/json"]["example"]
            assert example.keys() == found.json().keys(), path
            assert is_like(found.json(), example), path


def is_like(found: object, example: object) -> bool:
    """Return whether all that an example shows is in what was found; lists by what they hold."""
    if isinstance(example, dict):
        return isinstance(found, dict) and all(
            key in found and is_like(found[key], one) for key, one in example.items()
        )
    if isinstance(example, list):
        return isinstance(found, list) and all(is_like(found[0], one) for one in example)
    number = isinstance(example, int | float) and not isinstance(example, bool)
    return isinstance(found, int | float if number else type(example))
