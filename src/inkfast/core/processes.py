"""`Place`: what the word after ``--engine`` stands for; imports nothing heavy."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from inkfast.core.errors import (
    InkfastError,
    shown,
)

_EXPECTED = "`engine` must be here, {}local:N (processes), ray or ray:HOST:PORT"
_TOGETHER = 8  # fits side by side unless a number is given; more would ask for more memory


@dataclass(frozen=True)
class Place:
    """Where independent work runs.

    Attributes:
        kind: here, together, local or ray.
        processes: Of local; the most fits side by side of together.
        address: ``HOST:PORT`` of a Ray cluster's head, or nothing for one of this machine's own.
    """

    kind: str = "here"
    processes: int = 1
    address: str = ""


def parse(text: str, *, fits: bool = False) -> Place:
    """Read ``here``, ``local``, ``local:4``, ``ray`` or ``ray:10.0.0.5:6379``.

    Args:
        text: The word.
        fits: Whether the work is fits, which may also run ``together`` or ``together:4``.

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
    if fits and (match := re.fullmatch(r"together(?::([1-9][0-9]?))?", text)):
        return Place("together", int(match[1] or _TOGETHER))
    expected = _EXPECTED.format("together:N (side by side), " if fits else "")
    raise InkfastError(f"{expected}, got {shown(text)}.")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def deaf() -> Iterator[None]:
    """Hold Ctrl-C back while processes are started, which never hear it: it is for us.

    It is obeyed on leaving.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from multiprocessing import resource_tracker

    came: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *what: came.append(what))
    blocks = hasattr(signal, "pthread_sigmask")
    if blocks:  # as every process that is started from here is; a handler it would not inherit
        resource_tracker.ensure_running()  # whose start takes the block away
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])
