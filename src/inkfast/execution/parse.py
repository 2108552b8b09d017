"""The text after ``--executor`` -> an executor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from inkfast.core.errors import InkfastError, short_repr
from inkfast.execution.base import Executor
from inkfast.execution.cores import available_cores
from inkfast.execution.processes import ProcessExecutor
from inkfast.execution.ray_cluster import RayExecutor
from inkfast.execution.serial import SerialExecutor
from inkfast.execution.stacked import StackedExecutor

_STACKED = 8  # jobs under way unless a number is given; more would need more memory


class ExecutorEntry(NamedTuple):
    """How one executor is written.

    Attributes:
        usage: What the user may write, for messages.
        argument: Pattern of what may stand after the colon; "" allows nothing.
        build: Makes the executor from its argument, which is "" where there is none.
    """

    usage: str
    argument: str
    build: Callable[[str], Executor]


EXECUTORS = {
    "serial": ExecutorEntry("serial", "", lambda _: SerialExecutor()),
    "stacked": ExecutorEntry(
        "stacked:N (side by side)",
        "[1-9][0-9]?",
        lambda number: StackedExecutor(int(number or _STACKED)),
    ),
    "local": ExecutorEntry(
        "local:N (processes)",
        "[1-9][0-9]{0,2}",
        lambda number: ProcessExecutor(int(number or available_cores())),
    ),
    "ray": ExecutorEntry("ray or ray:HOST:PORT", r"[\w.-]+:[0-9]{1,5}", RayExecutor),
}


def parse_executor(text: str, *, stacked: bool = True) -> Executor:
    """Return the executor that a text names: ``serial``, ``local:4``, ``ray:10.0.0.5:6379``.

    Args:
        text: Name of the executor, and its argument after a colon.
        stacked: Whether the work can be advanced in steps, as fits can.

    Raises:
        InkfastError: If the text names none.
    """
    allowed = {name: entry for name, entry in EXECUTORS.items() if stacked or name != "stacked"}
    name, colon, argument = text.partition(":")
    if name in allowed and (not colon or re.fullmatch(allowed[name].argument, argument or "\0")):
        return allowed[name].build(argument)
    *some, last = (entry.usage for entry in allowed.values())
    raise InkfastError(f"`executor` must be {', '.join(some)}, {last}, got {short_repr(text)}.")
