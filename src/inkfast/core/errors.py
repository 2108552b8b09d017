"""The one error that inkfast raises for what a user can mend, and its grammar.

A message says what was expected, what came and what to do, in one line. The command line prints it
on stderr and exits with code 2; in Python it is a `ValueError` like any other.
"""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path


class InkfastError(ValueError):
    """Something the user gave cannot be used; the message is one line and says how to mend it."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InkfastError:
    """Return the error for a name that is not registered, with the nearest known one.

    Args:
        kind: What the name should have been, e.g. ``"noise"``.
        name: What came; a key of a Python dictionary may be no text.
        known: Every name that would have been accepted.
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return InkfastError(f"unknown {kind} {shown(name)}.{hint} Known: {', '.join(names)}.")


def program() -> str:
    """Return how this user calls inkfast: its name, or its path where the name is not found."""
    path = Path(sys.argv[0])
    return str(path) if path.name == "inkfast" and not shutil.which("inkfast") else "inkfast"


def extra(name: str) -> str:
    """Return how to install an extra, in README's words.

    From one's own copy, since inkfast is on no package index; with its constraints, since without
    them torch may bring gigabytes.
    """
    return f"in your copy of inkfast: .venv/bin/pip install -c constraints.txt -e '.[{name}]'"


def missing(package: str) -> str:
    """Return what to say where a package is not installed."""
    how = f"Install what trains and measures too, {extra('train')}"
    if package == "pyarrow":  # reading a table is no reason for all of that
        how = "Install it: pip install pyarrow"
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
    """Return `value` when it is a finite number within the limits, else raise.

    Args:
        name: The parameter's name, for the message.
        value: What the user gave; booleans are refused.
        low: Smallest value allowed.
        high: Largest value allowed.
        above: When given, the value must be greater than this.
        whole: Whether only integers are allowed.

    Raises:
        InkfastError: With the parameter, what is allowed and what came.
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
    raise InkfastError(
        f"`{name}` must be {' '.join([kind, ' and '.join(bounds)]).strip()}, got {shown(value)}."
    )


def check_flag(name: str, value: object) -> None:
    """Raise unless `value` is true or false."""
    if not isinstance(value, bool):
        raise InkfastError(f"`{name}` must be true or false, got {shown(value)}.")


def shown(value: object, most: int = 60) -> str:
    """Return a value as an error shows it: on one line, and cut when it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # written in hexadecimal, it could be read
        text = f"a number of more than {sys.get_int_max_str_digits():,} digits"
    return text if len(text) <= most else text[: most - 1] + "…"


def check_choice(name: str, value: object, allowed: Iterable[str]) -> None:
    """Raise unless `value` is one of the `allowed` words."""
    words = list(allowed)
    if value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise InkfastError(f"`{name}` must be one of {listed}, got {shown(value)}.")
