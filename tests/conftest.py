"""Fixtures of all tests: small digits, MNIST where it is available, the command line."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from inkfast import cli
from inkfast.core.digits import Digits
from inkfast.data import mnist, unipen

# Folder with MNIST; tests that need it are skipped without it.
DATA = os.environ.get("INKFAST_DATA", "") and os.path.abspath(os.environ["INKFAST_DATA"])
# Names in the reasons of skips, such as "chromium ray": a test that misses one of them fails instead.
REQUIRED = os.environ.get("INKFAST_TESTS_REQUIRE", "").split()


def pytest_configure() -> None:
    """Restore Ctrl-C: a process that a shell starts with `&` ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start slow tests first, so that all processes of a test run end together."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped because something required is missing."""
    report = yield
    reason = (
        str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    )
    if set(re.findall(r"\w+", reason.lower())) & set(REQUIRED):
        report.outcome = "failed"
        report.longrepr = f"{reason}, and INKFAST_TESTS_REQUIRE forbids to skip the test"
    return report


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory, monkeypatch):
    """Give every test an empty cache, an empty working folder and no network mirror."""
    # two folders, because ONNX Runtime writes a file of its own into the cache
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.chdir(tmp_path_factory.mktemp("home"))
    monkeypatch.delenv("INKFAST_MIRROR", raising=False)
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))
    monkeypatch.setattr(unipen, "RECORD", "http://127.0.0.1:9/")
    monkeypatch.delenv("INKFAST_DATA", raising=False)


def make_strokes() -> Digits:
    """Return 400 easy digits: one bar each, whose position gives the class."""
    from inkfast.testing import easy_digits  # it imports torch, which many tests do not need

    return easy_digits()


@pytest.fixture(scope="session")
def strokes() -> Digits:
    return make_strokes()


@pytest.fixture
def mnist_folder(monkeypatch) -> Path:
    """Return the folder with MNIST's files; skip the test if there is none."""
    if not DATA or not Path(DATA, "mnist").is_dir():
        pytest.skip("set INKFAST_DATA to a folder with MNIST in it")
    monkeypatch.setenv("INKFAST_DATA", DATA)
    return Path(DATA, "mnist")


@pytest.fixture
def unipen_folder(monkeypatch) -> Path:
    """Return the folder with UniPen's strokes; skip the test if there is none."""
    if not DATA or not Path(DATA, "unipen", "digits.npz").is_file():
        pytest.skip("set INKFAST_DATA to a folder with UniPen in it")
    monkeypatch.setenv("INKFAST_DATA", DATA)
    return Path(DATA, "unipen")


@pytest.fixture
def inkfast(monkeypatch, capsys):
    """Return a function that runs the command line: (exit code, stdout, stderr)."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inkfast", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        out, err = capsys.readouterr()
        return int(exit_.value.code or 0), out, err

    return call
