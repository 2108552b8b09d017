"""`Place`: what the word after ``--engine`` stands for; imports nothing heavy."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from inkfast.errors import InkfastError, shown

_EXPECTED = "`engine` must be here, local:N (processes), ray or ray:HOST:PORT"


@dataclass(frozen=True)
class Place:
    """Where independent work runs.

    Attributes:
        kind: here, local or ray.
        processes: Of local.
        address: ``HOST:PORT`` of a Ray cluster's head, or nothing for one of this machine's own.
    """

    kind: str = "here"
    processes: int = 1
    address: str = ""


def parse(text: str) -> Place:
    """Read ``here``, ``local``, ``local:4``, ``ray`` or ``ray:10.0.0.5:6379``.

    Raises:
        InkfastError: If it is something else.
    """
    if text in ("here", "ray"):
        return Place(text)
    if text == "local":
        return Place("local", cores())
    if match := re.fullmatch(r"local:([1-9][0-9]{0,2})", text):
        return Place("local", int(match[1]))
    if match := re.fullmatch(r"ray:([\w.-]+:[0-9]{1,5})", text):
        return Place("ray", address=match[1])
    raise InkfastError(f"{_EXPECTED}, got {shown(text)}.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def deaf() -> Iterator[None]:
    """Ignore Ctrl-C while processes are started, which go on ignoring it: it is for us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
