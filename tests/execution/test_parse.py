"""The text after `--executor`."""

from __future__ import annotations

import pytest

from inkfast.core.errors import InkfastError
from inkfast.execution import EXECUTORS, Executor, available_cores, parse_executor
from inkfast.execution.processes import ProcessExecutor
from inkfast.execution.ray_cluster import RayExecutor
from inkfast.execution.serial import SerialExecutor
from inkfast.execution.stacked import StackedExecutor


@pytest.mark.parametrize(
    ("text", "kind", "settings"),
    [
        ("serial", SerialExecutor, {}),
        ("stacked", StackedExecutor, {"most": 8}),
        ("stacked:16", StackedExecutor, {"most": 16}),
        ("local", ProcessExecutor, {"processes": available_cores()}),
        ("local:3", ProcessExecutor, {"processes": 3}),
        ("ray", RayExecutor, {"address": ""}),
        ("ray:head.example:6379", RayExecutor, {"address": "head.example:6379"}),
    ],
)
def test_executors_by_name(text: str, kind: type[Executor], settings: dict[str, object]) -> None:
    """Every documented text gives its executor with its argument."""
    executor = parse_executor(text)
    assert type(executor) is kind
    assert vars(executor) == settings


def test_every_name_is_its_own_executor() -> None:
    """Each registered name can be written alone."""
    kinds = [type(parse_executor(name)) for name in EXECUTORS]
    assert len(set(kinds)) == len(EXECUTORS)


@pytest.mark.parametrize(
    "text",
    [
        "stacked:0", "stacked:100", "stacked:x", "local:0", "local:-1", "local:x", "local:1000", "local:",
        "ray:", "ray:host", "serial:", "serial:1", "spark", "", ":",
    ],
)  # fmt: skip
def test_unknown_executors_are_explained(text: str) -> None:
    """One sentence lists what may be given, and repeats what was given."""
    with pytest.raises(InkfastError) as told:
        parse_executor(text)
    assert str(told.value) == (
        "`executor` must be serial, stacked:N (side by side), local:N (processes), ray or "
        f"ray:HOST:PORT, got {text!r}."
    )


def test_only_jobs_are_stacked() -> None:
    """Batch prediction is not offered an executor that trains networks together."""
    with pytest.raises(
        InkfastError, match=r"must be serial, local:N \(processes\), ray or .* got 'stacked'"
    ):
        parse_executor("stacked", stacked=False)
    assert isinstance(parse_executor("local:2", stacked=False), ProcessExecutor)
