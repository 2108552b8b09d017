"""The contract of data sources, and the registry that lists them."""

from __future__ import annotations

import pytest

from inkfast.core.digits import CLASSES
from inkfast.core.errors import InkfastError
from inkfast.data import DATA_SOURCES, describe_sources, load
from inkfast.testing.data_checks import SOURCE_CHECKS


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["embedded", "synthetic"])
def test_sources_fulfil_the_contract(name, check):
    """Each source that is always there passes each check of `inkfast.testing.check_data_source`."""
    check(DATA_SOURCES.build(name))


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_mnist_fulfils_the_contract(mnist_folder, name, check):
    """MNIST passes each check, by its name and as the automatic choice."""
    check(DATA_SOURCES.build(name))


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=lambda check: check.__name__)
def test_unipen_fulfils_the_contract(unipen_folder, check):
    """UniPen passes each check where its strokes are on this machine."""
    check(DATA_SOURCES.build("unipen"))


def test_sources_and_kinds_of_files_are_described():
    """The list names each source, each kind of file and folders, in one line each."""
    described = describe_sources()
    assert list(described) == [
        "auto", "embedded", "mnist", "optdigits", "synthetic", "unipen", "FILE.csv", "FILE.npz", "FILE.npy", "FOLDER",
    ]  # fmt: skip
    assert all(text and "\n" not in text for text in described.values())


def test_a_source_without_parameters_takes_none():
    """A parameter that a source does not have is refused by name."""
    with pytest.raises(InkfastError, match="unknown parameter of data source 'embedded' 'size'"):
        load("embedded(size=8)")
    assert len(load("embedded()").train.class_counts()) == CLASSES
