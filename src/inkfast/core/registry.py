"""Registries of named classes, and specs: text such as ``rotate(degrees=72)`` that builds one.

A spec is a name, optionally with keyword parameters whose values are Python literals. Nothing is
evaluated: parameters go through `ast.literal_eval`.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from inkfast.core.errors import InkfastError, short_repr, unknown_name
from inkfast.core.plugins import load_plugins

_SPEC = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:\((.*)\))?\s*", re.DOTALL)

_NAME = re.compile(r"[a-z][a-z0-9-]*")


class Registrable(Protocol):
    """A frozen dataclass with a name."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


T = TypeVar("T", bound=Registrable)


def import_modules(package: str, path: Iterable[str]) -> None:
    """Import all modules of a package, so that the classes in them register themselves.

    Args:
        package: Name of the package.
        path: Its ``__path__``.
    """
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")


def split_top_level(text: str, separator: str) -> list[str]:
    """Split text at each separator outside brackets and quotes.

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

    >>> parse_spec("rotate(degrees=72)")
    ('rotate', {'degrees': 72})

    Raises:
        InkfastError: If the text is not a spec or a value is not a literal.
    """
    match = _SPEC.fullmatch(text)
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
    """Write a registered dataclass as the spec that builds an equal one.

    Every field is written, so that a saved spec keeps its meaning when a default changes.
    """
    values = ((field.name, getattr(thing, field.name)) for field in dataclasses.fields(thing))
    parameters = [f"{name}={list(v) if isinstance(v, tuple) else v!r}" for name, v in values]
    return f"{thing.name}({', '.join(parameters)})"


def brief_spec(thing: Any, keep: str) -> str:
    """Write a registered dataclass for display: the field `keep` and fields off their defaults.

    Numbers are rounded to four digits, so the spec need not build an equal one.
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
    """The classes of one kind by name: those of inkfast, and those of installed plug-ins.

    Plug-ins are imported when the registry is first listed or asked for a name that inkfast does
    not have.

    Args:
        kind: Kind of thing that is registered, e.g. ``"noise"``.
        base: Class that all registered classes extend.
        group: Entry-point group of plug-ins, e.g. ``"inkfast.noises"``.
        reserved: Names that mean something else.
    """

    def __init__(self, kind: str, base: type, group: str, reserved: Iterable[str] = ()) -> None:
        self.kind, self.base, self.group = kind, base, group
        self._reserved = frozenset(reserved)
        self._classes: dict[str, type[T]] = {}
        self._packages: dict[str, str] = {}  # name -> package, for plug-ins
        self._plugins_loaded = False

    def register(self, cls: type[T]) -> type[T]:
        """Add a class under its `name`; used as a decorator."""
        self._check(cls)
        self._classes[cls.name] = cls
        return cls

    def package_of(self, thing: T) -> str | None:
        """Return the plug-in package that an object's class comes from; None for inkfast's own."""
        return self._packages.get(thing.name) if thing.name in self else None

    def __iter__(self) -> Iterator[type[T]]:
        self._load_plugins()
        return iter([self._classes[name] for name in sorted(self._classes)])

    def __contains__(self, name: str) -> bool:
        if name not in self._classes:
            self._load_plugins()
        return name in self._classes

    def __getitem__(self, name: str) -> type[T]:
        if name not in self:
            raise unknown_name(self.kind, name, self._classes)
        return self._classes[name]

    def _load_plugins(self) -> None:
        if not self._plugins_loaded:
            self._plugins_loaded = True
            load_plugins(self.group, self._add_plugin)

    def _add_plugin(self, cls: Any, package: str) -> None:
        self.register(cls)
        self._packages[cls.name] = package

    def _check(self, cls: Any) -> None:
        """Raise `InkfastError` unless a class can be registered."""
        base = f"{self.base.__module__}.{self.base.__qualname__}"
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            raise InkfastError(f"expected a subclass of {base}, got {short_repr(cls)}.")
        name = getattr(cls, "name", None)
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise InkfastError(
                f"`name` of {cls.__qualname__} must be lower-case letters, digits and dashes, got "
                f"{short_repr(name)}."
            )
        if not (dataclasses.is_dataclass(cls) and "__dataclass_params__" in vars(cls)):
            raise InkfastError(
                f"{cls.__qualname__} must be decorated with @dataclass(frozen=True)."
            )
        if name in self._classes or name in self._reserved:
            package = self._packages.get(name, "inkfast")
            raise InkfastError(
                f"{self.kind} {name!r} exists already in {package}. Choose another name."
            )

    def build(self, text: str) -> T:
        """Build the object that a spec names, e.g. ``gaussian(sigma=0.2)``.

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
