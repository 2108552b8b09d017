"""One Ray instance of this machine for all tests of executors: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inkfast.execution import Executor, parse_executor


@pytest.fixture(scope="package")
def ray_executor() -> Iterator[Executor]:
    pytest.importorskip("ray")
    found = parse_executor("ray")
    with found.open():
        yield found
