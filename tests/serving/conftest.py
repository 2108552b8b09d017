"""One server for all tests that do not change its limits."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.serving.makers import serving


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def api(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client
