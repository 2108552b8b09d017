"""`Parameter`: one key of a search space with its range or choices."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from inkfast.core.errors import InkfastError, check_flag, check_number, short_repr, unknown_name
from inkfast.training import Recipe

if TYPE_CHECKING:
    import optuna

_RANGE = ("low", "high", "log", "step")
# keys that decide the validation rows, which must be the same for all trials
_FIXED = ("validation", "validation_rows", "calibration")
_EXPECTED = "{ low = 1e-4, high = 1e-2, log = true } or { choices = [64, 128] }"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One dimension of the search space.

    Attributes:
        key: A recipe key, ``model``, or ``model.`` followed by a parameter of the model.
        low: Smallest value; the range has integers only if both ends are integers.
        high: Largest value.
        log: Whether the range is searched on a logarithmic scale.
        step: Distance between values; 0 for a continuous range.
        choices: Values to choose from instead of a range.
    """

    key: str
    low: float = 0
    high: float = 0
    log: bool = False
    step: float = 0
    choices: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """Return the range as in TOML."""
        if self.choices:
            return f"choices = {[list(c) if isinstance(c, tuple) else c for c in self.choices]}"
        log, step = ", log = true" if self.log else "", f", step = {self.step}" if self.step else ""
        return f"low = {self.low!r}, high = {self.high!r}{log}{step}"

    def suggest(self, trial: optuna.trial.BaseTrial) -> Any:
        """Return a value for a trial."""
        if self.choices:
            names = self.names()
            return self.choices[names.index(trial.suggest_categorical(self.key, names))]
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(
                self.key, self.low, self.high, step=int(self.step or 1), log=self.log
            )
        return trial.suggest_float(
            self.key, self.low, self.high, step=self.step or None, log=self.log
        )

    def names(self) -> list[str]:
        """Return the choices as text, since storages do not keep lists."""
        return [str(list(c) if isinstance(c, tuple) else c) for c in self.choices]

    def bounds(self) -> tuple[Any, ...]:
        """Return the values that are checked before the search: both ends, or all choices."""
        return self.choices or (self.low, self.high)


def parse_space(table: object) -> tuple[Parameter, ...]:
    """Parse the ``[search]`` table.

    Raises:
        InkfastError: If keys are unknown or ranges not allowed; the message names all of them.
    """
    if not isinstance(table, Mapping) or not table:
        raise InkfastError(
            f"`search` must be a table of at least one key, e.g. learning_rate = {_EXPECTED}, "
            f"got {short_repr(table)}."
        )
    found, faults = [], []
    for key, value in _flatten_model_keys(table).items():
        try:
            found.append(_parse_parameter(key, value))
        except InkfastError as error:
            faults.append(str(error))
    if faults:
        raise InkfastError(" ".join(faults))
    return tuple(found)


def _flatten_model_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table with TOML's nested ``model.hidden`` as one key."""
    flat = dict(table)
    inner = flat.get("model")
    if isinstance(inner, Mapping) and "choices" not in inner:
        del flat["model"]
        flat |= {f"model.{key}": value for key, value in inner.items()}
    return flat


def _parse_parameter(key: str, value: object) -> Parameter:
    known = [field.name for field in dataclasses.fields(Recipe) if field.name not in _FIXED]
    if key != "model" and not key.startswith("model.") and key not in known:
        raise unknown_name("search key", key, ["model", "model.KEY", *known])
    if not isinstance(value, Mapping) or not value:
        raise InkfastError(f"search key `{key}` must be {_EXPECTED}, got {short_repr(value)}.")
    for word in value:
        if word not in (*_RANGE, "choices"):
            raise unknown_name(f"entry of search key `{key}`", word, [*_RANGE, "choices"])
    if "choices" in value:
        choices = value["choices"]
        if not isinstance(choices, list) or not choices or len(value) > 1:
            raise InkfastError(f"search key `{key}` must be {_EXPECTED}, got {short_repr(value)}.")
        return Parameter(key=key, choices=tuple(_to_tuple(choice) for choice in choices))
    return _parse_range(key, value)


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _parse_range(key: str, value: Mapping[str, Any]) -> Parameter:
    log, step = value.get("log", False), value.get("step", 0)
    check_flag(f"{key}.log", log)
    check_number(f"{key}.step", step, low=0)
    if "low" not in value or "high" not in value:
        raise InkfastError(
            f"search key `{key}` must be {_EXPECTED}, got {short_repr(dict(value))}."
        )
    check_number(f"{key}.low", value["low"])
    check_number(f"{key}.high", value["high"])
    whole = isinstance(value["low"], int) and isinstance(value["high"], int)
    if whole and not isinstance(step, int):
        raise InkfastError(f"`{key}.step` must be a whole number, as low and high are, got {step}.")
    if value["high"] <= value["low"] or (log and value["low"] <= 0) or (log and step):
        raise InkfastError(
            f"search key `{key}` must have low < high, low > 0 where log is true, and no step "
            f"there, got {short_repr(dict(value))}."
        )
    if step and not _divides(step, value["high"], value["low"]):
        raise InkfastError(
            f"`{key}.step` must divide the range, so that high is searched too, got "
            f"{short_repr(dict(value))}."
        )
    return Parameter(key=key, low=value["low"], high=value["high"], log=log, step=step)


def _divides(step: float, high: float, low: float) -> bool:
    """Return whether a range is a whole number of steps, in decimal arithmetic as in Optuna."""
    try:
        return (Decimal(str(high)) - Decimal(str(low))) % Decimal(str(step)) == 0
    except InvalidOperation:  # too many steps for decimal arithmetic
        return False
