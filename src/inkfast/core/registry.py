"""Text that names things: ``cnn``, ``rotate(degrees=72)``, ``mlp(hidden=[256, 128]), cnn``.

A *call* is a name, optionally with keyword parameters whose values are Python literals. Nothing is
ever evaluated: parameters go through `ast.literal_eval`.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from inkfast.core.errors import InkfastError, short_repr, unknown_name

_CALL = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)


class Registrable(Protocol):
    """A frozen dataclass that is asked for by name."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


T = TypeVar("T", bound=Registrable)


def split_top_level(text: str, separator: str) -> list[str]:
    """Split `text` at each `separator` that stands outside brackets and quotes.

    >>> split_top_level("mlp(hidden=[256, 128]), cnn", ",")
    ['mlp(hidden=[256, 128])', 'cnn']
    """
    parts, depth, quote, start = [], 0, "", 0
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    return [part.strip() for part in parts]


def parse_spec(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``name(key=value, ...)`` into its name and parameters.

    >>> parse_call("rotate(degrees=72)")
    ('rotate', {'degrees': 72})

    Raises:
        InkfastError: If the text is not a call or a value is not a literal.
    """
    match = _CALL.fullmatch(text)
    shape = "name(parameter=value, ...), e.g. rotate(degrees=72)"
    if match is None:
        raise InkfastError(f"expected {shape}, got {short_repr(text.strip())}.")
    name, inside = match.groups()
    if not inside or not inside.strip():
        return name, {}
    try:
        call = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.args:
            raise SyntaxError
        parameters = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
        if None in parameters or len(parameters) < len(call.keywords):
            raise SyntaxError
        return name, {str(key): value for key, value in parameters.items()}
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise InkfastError(
            f"the parameters of {short_repr(text.strip())} cannot be read: expected {shape}."
        ) from None


def format_spec(thing: Any) -> str:
    """Write a registered dataclass as the call that builds it again.

    Every field is written, so that what is saved means the same when a default changes.
    """
    values = ((field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing))
    shown = [f"{name}={list(v) if isinstance(v, tuple) else v!r}" for name, v in values]
    return f"{thing.name}({', '.join(shown)})"


def brief_spec(thing: Any, keep: str) -> str:
    """Write a registered dataclass for people: the field `keep` and what is not as it always is.

    Numbers are cut to four digits, so the call need not build the same one again.
    """
    values = [
        f"{field.name}={_brief(getattr(thing, field.name))}"
        for field in dataclasses.fields(thing)
        if field.name == keep or getattr(thing, field.name) != field.default
    ]
    return f"{thing.name}({', '.join(values)})"


def _brief(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_brief, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


class Registry(Generic[T]):
    """The named classes of one kind; adding one is one decorated class in one imported file."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[T]] = {}

    def register(self, cls: type[T]) -> type[T]:
        """Add a class under its `name`; used as a decorator."""
        if cls.name in self._classes:
            raise InkfastError(f"{self.kind} {cls.name!r} is registered twice.")
        self._classes[cls.name] = cls
        return cls

    def __iter__(self) -> Iterator[type[T]]:
        return iter(self._classes.values())

    def __getitem__(self, name: str) -> type[T]:
        if name not in self._classes:
            raise unknown_name(self.kind, name, self._classes)
        return self._classes[name]

    def build(self, text: str) -> T:
        """Build what a call names, e.g. ``gaussian(sigma=0.2)``.

        Raises:
            InkfastError: For an unknown name or parameter, or a value that is not allowed.
        """
        name, parameters = parse_spec(text)
        cls = self[name]
        known = [field.name for field in dataclasses.fields(cls)]
        for key in parameters:
            if key not in known:
                raise unknown_name(f"parameter of {self.kind} {name!r}", key, known)
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
        try:
            return cls(**values)
        except InkfastError as error:
            raise InkfastError(f"{self.kind} {name!r}: {error}") from None
