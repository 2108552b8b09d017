"""Whatever OpenAPI says of a route holds for requests that are made from it, good and bad."""

from __future__ import annotations

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
for kind in ("png", "jpeg", "webp", "bmp", "gif", "tiff"):
    openapi.media_type(f"image/{kind}", PICTURES)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_route_keeps_its_word(url, mode):
    """No 500, no status or body that is not described, nothing bad taken, nothing good refused."""
    described = openapi.from_url(f"{url}/openapi.json")
    asked = []
    for found in described.get_all_operations():

        @SETTINGS
        @given(case=found.ok().as_strategy(generation_mode=mode))
        def check(case):
            # JSON Schema can say neither which noise there is nor that data must fill its shape
            loose = case.operation.path.endswith(("/noise", "/infer"))
            excluded = [positive_data_acceptance] if loose else []
            asked.append(case.call_and_validate(excluded_checks=excluded).status_code)

        with suppress(Unsatisfiable):  # a route without parameters cannot be asked wrongly
            check()
    assert len(asked) > 60
    assert max(asked) < 500
    assert mode is GenerationMode.NEGATIVE or asked.count(200) > len(asked) / 4


def test_it_says_how_to_ask(url):
    """Examples are there, and every way to be refused has its shape."""
    described = httpx.get(f"{url}/openapi.json").json()
    predict = described["paths"]["/v1/predict"]["post"]
    assert "curl --data-binary @digit.png" in predict["requestBody"]["description"]
    assert predict["responses"]["200"]["content"]["application/json"]["example"]["answers"]
    for path, routes in described["paths"].items():
        for route in routes.values():
            assert "421" in route["responses"], path
