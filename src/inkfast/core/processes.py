"""`Place`: what the word after ``--executor`` stands for; imports nothing heavy."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from inkfast.core.errors import InkfastError, short_repr

_EXPECTED = "`executor` must be serial, {}local:N (processes), ray or ray:HOST:PORT"
_STACKED = 8  # fits side by side unless a number is given; more would ask for more memory


@dataclass(frozen=True)
class ExecutorSpec:
    """Where independent work runs.

    Attributes:
        kind: serial, stacked, local or ray.
        processes: Of local; the most fits side by side of together.
        address: ``HOST:PORT`` of a Ray cluster's head, or nothing for one of this machine's own.
    """

    kind: str = "serial"
    processes: int = 1
    address: str = ""


def parse_executor(text: str, *, fits: bool = False) -> ExecutorSpec:
    """Read ``serial``, ``local``, ``local:4``, ``ray`` or ``ray:10.0.0.5:6379``.

    Args:
        text: The word.
        fits: Whether the work is fits, which may also run ``stacked`` or ``stacked:4``.

    Raises:
        InkfastError: If it is something else.
    """
    if text in ("serial", "ray"):
        return ExecutorSpec(text)
    if text == "local":
        return ExecutorSpec("local", available_cores())
    if match := re.fullmatch(r"local:([1-9][0-9]{0,2})", text):
        return ExecutorSpec("local", int(match[1]))
    if match := re.fullmatch(r"ray:([\w.-]+:[0-9]{1,5})", text):
        return ExecutorSpec("ray", address=match[1])
    if fits and (match := re.fullmatch(r"stacked(?::([1-9][0-9]?))?", text)):
        return ExecutorSpec("stacked", int(match[1] or _STACKED))
    expected = _EXPECTED.format("stacked:N (side by side), " if fits else "")
    raise InkfastError(f"{expected}, got {short_repr(text)}.")


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def block_sigint() -> Iterator[None]:
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
