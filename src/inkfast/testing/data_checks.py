"""The contract of data sources."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from inkfast.core.digits import Source
from inkfast.core.registry import parse_spec
from inkfast.data import DATA_SOURCES, DataSource
from inkfast.testing.expect import expect


def check_data_source(source: str | DataSource) -> None:
    """Check that a data source fulfils the contract; it is loaded twice.

    Args:
        source: Spec such as ``"embedded"``, or a data source, which need not be registered.

    Raises:
        AssertionError: If it does not; the message says which part of the contract is broken.
    """
    built = DATA_SOURCES.build(source) if isinstance(source, str) else source
    for check in SOURCE_CHECKS:
        check(built)


@lru_cache(maxsize=4)
def _loaded(source: DataSource) -> Source:
    return source.load()


def is_described(source: DataSource) -> None:
    """A source has a description of one line, and its spec builds an equal one."""
    text = source.description
    expect(
        isinstance(text, str) and text.strip() and "\n" not in text,
        f"{source.name}: `description` must be one line, got {text!r}.",
    )
    name, parameters = parse_spec(str(source))
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in parameters.items()}
    same = name == source.name and type(source)(**values) == source
    expect(same, f"{source}: the spec must build an equal data source.")


def loads_labelled_digits(source: DataSource) -> None:
    """A source gives labelled digits, under its own name."""
    loaded = _loaded(source)
    expect(
        isinstance(loaded, Source),
        f"{source}: `load` must return an inkfast.core.digits.Source, got {type(loaded)}.",
    )
    for part in filter(None, (loaded.train, loaded.test)):
        expect(part.labels is not None, f"{source}: {part.name} has no labels.")
    expect(loaded.name, f"{source}: the loaded digits must have a name.")


def loads_the_same_digits_again(source: DataSource) -> None:
    """Loading twice gives the same digits in the same order."""
    first, again = _loaded(source), source.load()
    for one, two in ((first.train, again.train), (first.test, again.test)):
        same = (one and one.fingerprint) == (two and two.fingerprint)
        expect(same, f"{source}: loading twice must give the same digits.")


def keeps_test_digits_apart(source: DataSource) -> None:
    """No test image is among the training images."""
    loaded = _loaded(source)
    if loaded.test is not None:
        train, test = (
            {image.tobytes() for image in np.ascontiguousarray(part.images)}
            for part in (loaded.train, loaded.test)
        )
        shared = len(train & test)
        expect(not shared, f"{source}: {shared} test images are among the training images.")


SOURCE_CHECKS = (
    is_described, loads_labelled_digits, loads_the_same_digits_again, keeps_test_digits_apart,
)  # fmt: skip
