"""Plug-ins: objects that other installed packages offer through an entry-point group of inkfast.

A plug-in that cannot be used is left out with one warning in the log, which reaches stderr unless
logging is configured otherwise; it never breaks inkfast or another plug-in.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from importlib import metadata
from typing import Any

from inkfast.core.errors import InkfastError, short_repr

_LOG = logging.getLogger(__name__)
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.-]*")


def load_plugins(group: str, add: Callable[[Any, str], None]) -> None:
    """Import every object that installed packages offer under an entry-point group.

    Args:
        group: Entry-point group, e.g. ``"inkfast.noises"``.
        add: Called with the object and the name of its package; raises `InkfastError` to refuse it.
    """
    for entry in metadata.entry_points(group=group):
        package = entry.dist.name if entry.dist else entry.module
        try:
            add(_imported(entry), package)
        except InkfastError as error:
            _LOG.warning("the plug-in package %s is left out: %s", package, error)


def _imported(entry: metadata.EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # third-party code may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InkfastError(
            f"{entry.value}, its entry point {entry.name!r} of {entry.group}, cannot be imported "
            f"({reason}). Fix or uninstall it."
        ) from None


def check_installed(packages: object, where: str) -> None:
    """Check that the packages named by a saved run or model are installed.

    Args:
        packages: Names of packages; anything but a list of strings is refused.
        where: Name of the file, for messages.

    Raises:
        InkfastError: If one is not installed.
    """
    listed: list[Any] = packages if isinstance(packages, list) else [None]
    if not all(isinstance(name, str) and _PACKAGE.fullmatch(name) for name in listed):
        raise InkfastError(
            f"{where}: `requires` must be a list of packages, got {short_repr(packages)}."
        )
    for name in listed:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise InkfastError(
                f"{where} needs the plug-in package {name}, which is not installed. Install it: "
                f"pip install {name}"
            ) from None
