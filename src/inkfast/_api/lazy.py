"""Import a public name when it is first asked for, so that `import inkfast` stays light."""

from __future__ import annotations

import importlib

from inkfast.core.errors import missing_package


def import_public(module: str, name: str) -> object:
    """Return an object of a module of inkfast.

    Raises:
        ImportError: If a package that it needs is not installed; the message says how to get it.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "inkfast":
            raise
        raise ImportError(missing_package(error.name), name=error.name) from None
