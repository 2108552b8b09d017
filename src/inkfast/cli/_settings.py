"""Settings of an experiment: a recipe file, overridden by flags."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from inkfast.core.errors import InkfastError
from inkfast.experiments.config import merge_settings, read_toml


def settings_from_flags(
    given: dict[str, Any], training: dict[str, Any], assignments: list[str] | None
) -> dict[str, Any]:
    """Return the given flags as settings of an experiment.

    Args:
        given: Flags that are keys of an experiment, None where not given.
        training: Flags that are keys of its recipe, None where not given.
        assignments: Values of ``--set``, each ``KEY=VALUE``; they override `training`.

    Raises:
        InkfastError: For an assignment without a value.
    """
    recipe = {key: value for key, value in training.items() if value is not None}
    recipe |= dict(_assignment(text) for text in assignments or [])
    settings = {key: value for key, value in given.items() if value is not None}
    return settings | ({"recipe": recipe} if recipe else {})


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise InkfastError(f"--set expects KEY=VALUE, e.g. learning_rate=0.01, got {text!r}.")
    try:
        return key.strip(), ast.literal_eval(value.strip())
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return key.strip(), value.strip()  # a word such as adam needs no quotes


def read_settings(recipe: Path, flags: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe file, overridden by `flags`."""
    settings = read_toml(recipe)
    settings.setdefault("name", recipe.stem)
    return merge_settings(settings, flags)
