"""The exceptions of inkfast, and the functions that word their messages.

ValueError
└── InkfastError       an input cannot be used; the user can fix it
    ├── NoInkError     an image shows nothing that stands out from its paper
    ├── MissingExtraError  a package of an extra is not installed
    └── NoResultError  a job ended without a result; the other jobs continue
        ├── DivergedError  the loss of a fit became NaN or infinite
        └── StoppedError   a callback stopped a fit before its last epoch

A message is one line: what was expected, what was given, what to do. The command line prints it on
stderr and exits with code 2. A request that the HTTP server refuses is an
`inkfast.serving.limits.Refused`; it becomes a response and never reaches a caller.
"""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

_NO_INK = "no ink was found: expected a digit that stands out from its paper"


class InkfastError(ValueError):
    """An input cannot be used; the message is one line and says how to fix it."""


class NoInkError(InkfastError):
    """An image shows nothing that stands out from its paper."""

    # The message is a default argument because exceptions cross processes by their arguments.
    def __init__(self, message: str = _NO_INK) -> None:
        super().__init__(message)


class MissingExtraError(InkfastError):
    """A package of an extra of inkfast is not installed."""


class NoResultError(InkfastError):
    """A job ended without a result; the other jobs continue."""


class DivergedError(NoResultError):
    """The loss of a fit became NaN or infinite."""


class StoppedError(NoResultError):
    """A callback stopped a fit before its last epoch."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InkfastError:
    """Return the error for a name that is not registered; it suggests the nearest known name.

    Args:
        kind: Kind of thing that was looked up, e.g. ``"noise"``.
        name: The unknown name. A key of a Python dictionary need not be a string.
        known: All known names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InkfastError(f"unknown {kind} {short_repr(name)}.{hint} Known: {', '.join(names)}.")


def command_name() -> str:
    """Return the command that starts inkfast: its name, or its path if it is not on PATH."""
    path = Path(sys.argv[0])
    return str(path) if path.name == "inkfast" and not shutil.which("inkfast") else "inkfast"


def install_hint(name: str) -> str:
    """Return how to install an extra of inkfast, as README says it.

    inkfast is installed from a copy of its repository because it is on no package index. The
    constraints keep pip from downloading several gigabytes of CUDA libraries with torch.
    """
    return f"in your copy of inkfast: .venv/bin/pip install -c constraints.txt -e '.[{name}]'"


def missing_package(package: str) -> str:
    """Return the message for a package that is not installed."""
    how = f"Install what trains and measures too, {install_hint('train')}"
    if package == "pyarrow":  # reading tables does not need the rest of the extra
        how = "Install it: pip install pyarrow"
    extras = {"openpyxl": "excel", "onnx": "adapt"}
    if package in extras:
        how = f"Install it, {install_hint(extras[package])}"
    return f"this needs {package}, which is not installed. {how}"


def check_number(
    name: str,
    value: object,
    *,
    low: float = float("-inf"),
    high: float = float("inf"),
    above: float | None = None,
    whole: bool = False,
) -> float:
    """Return `value` if it is a finite number within the limits.

    Args:
        name: Name of the parameter.
        value: Value of the parameter; booleans are refused.
        low: Smallest allowed value.
        high: Largest allowed value.
        above: Exclusive lower limit, or None.
        whole: Whether only integers are allowed.

    Raises:
        InkfastError: If `value` is not a number within the limits.
    """
    kinds = (int,) if whole else (int, float)
    ok = isinstance(value, kinds) and not isinstance(value, bool)
    try:
        number = float(value) if ok else float("nan")  # type: ignore[arg-type]  # a tuple of types
    except OverflowError:
        number = float("inf")
    inside = low <= number <= high and abs(number) != float("inf")
    if inside and (above is None or number > above):
        return number
    bounds = [f"> {above:g}"] if above is not None else []
    bounds += [f">= {low:g}"] if low > float("-inf") else []
    bounds += [f"<= {high:g}"] if high < float("inf") else []
    kind = "a whole number" if whole else "a finite number"
    allowed = f"{kind} {' and '.join(bounds)}".strip()
    raise InkfastError(f"`{name}` must be {allowed}, got {short_repr(value)}.")


def check_flag(name: str, value: object) -> None:
    """Raise `InkfastError` unless `value` is true or false."""
    if not isinstance(value, bool):
        raise InkfastError(f"`{name}` must be true or false, got {short_repr(value)}.")


def short_repr(value: object, most: int = 60) -> str:
    """Return the `repr` of a value for a message: on one line, cut to `most` characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a huge integer, which can be written in hexadecimal
        text = f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= most else text[: most - 1] + "…"


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raise `InkfastError` unless `value` is one of the `allowed` strings."""
    choices = list(allowed)
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise InkfastError(f"`{name}` must be one of {listed}, got {short_repr(value)}.")
