"""Specs are read and written without being executed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from inkfast.core.errors import InkfastError
from inkfast.core.registry import Registry, brief_spec, format_spec, parse_spec, split_top_level


class Shape:
    """Base class of what is registered here."""


@dataclass(frozen=True)
class Box(Shape):
    """A shape with parameters of three types."""

    name: ClassVar[str] = "box"
    sides: tuple[int, ...] = (1, 2)
    scale: float = 0.5
    word: str = "a"


@pytest.fixture
def registry() -> Registry[Box]:
    shapes: Registry[Box] = Registry("shape", Shape, "inkfast.tests.shapes", reserved=["none"])
    shapes.register(Box)
    return shapes


@pytest.mark.parametrize(("text", "parts"), [
    ("a, b", ["a", "b"]),
    ("a(x=[1, 2], y={3: 4}), b", ["a(x=[1, 2], y={3: 4})", "b"]),
    ("a(x='1, (2'), b", ["a(x='1, (2')", "b"]),
    ('a(x="it\'s, so"), b,', ['a(x="it\'s, so")', "b", ""]),
    ("", [""]),
])  # fmt: skip
def test_specs_are_split_outside_brackets_and_quotes(text, parts):
    """A separator inside brackets or quotes belongs to its part."""
    assert split_top_level(text, ",") == parts


@pytest.mark.parametrize(("text", "spec"), [
    ("box", ("box", {})),
    (" box ( ) ", ("box", {})),
    ("box(scale=-1.5, sides=[3], word='x)')", ("box", {"scale": -1.5, "sides": [3], "word": "x)"})),
])  # fmt: skip
def test_a_spec_is_a_name_with_literals(text, spec):
    """Parameters have names, and values are Python literals."""
    assert parse_spec(text) == spec


@pytest.mark.parametrize("text", [
    "", "9box", "box(1)", "box(scale=open('x'))", "box(**{'scale': 1})", "box(scale=1, scale=2)",
    "box(scale=)", "box(scale=1)(2)", "box(scale=1", "box" + "(" * 500 + ")" * 500,
])  # fmt: skip
def test_other_text_is_explained(text):
    """Nothing is evaluated; the message shows the form of a spec."""
    with pytest.raises(InkfastError, match=r"expected name\(parameter=value, ...\)"):
        parse_spec(text)


def test_a_written_spec_builds_an_equal_object(registry):
    """Every field is written, lists as lists; the short form keeps one field and other values."""
    box = registry.build("box(sides=[3, 4], scale=0.123456)")
    assert box == Box((3, 4), 0.123456)
    assert format_spec(box) == "box(sides=[3, 4], scale=0.123456, word='a')"
    assert registry.build(format_spec(box)) == box
    assert brief_spec(box, "word") == "box(sides=[3, 4], scale=0.1235, word='a')"
    assert brief_spec(Box(), "sides") == "box(sides=[1, 2])"


@pytest.mark.parametrize(("text", "message"), [
    ("bix", "unknown shape 'bix'. Did you mean 'box'?"),
    ("box(scael=1)", "unknown parameter of shape 'box' 'scael'. Did you mean 'scale'?"),
])  # fmt: skip
def test_an_unknown_name_suggests_the_nearest(registry, text, message):
    """Of names and of parameters."""
    with pytest.raises(InkfastError) as error:
        registry.build(text)
    assert str(error.value).startswith(message)


def test_a_name_is_registered_once(registry):
    """Neither a name that exists nor a reserved one; the registry lists its names in order."""
    with pytest.raises(InkfastError, match="shape 'box' exists already in inkfast"):
        registry.register(Box)
    other = dataclass(frozen=True)(type("Ball", (Shape,), {"name": "ball", "__annotations__": {}}))
    registry.register(other)
    assert [cls.name for cls in registry] == ["ball", "box"]
    assert "ball" in registry
    assert "none" not in registry
    reserved = dataclass(frozen=True)(type("No", (Shape,), {"name": "none", "__annotations__": {}}))
    with pytest.raises(InkfastError, match="exists already"):
        registry.register(reserved)
