"""Run a package's tests in forked processes, and remember which test executes which line.

A fork starts with the heavy libraries loaded. Of a mutant, only the tests that execute its line are
run, the fastest first. Lines that no test executes inside its own call (constants of a module, code
of fixtures or of other processes) need all tests.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

PRELOADED = ("numpy", "scipy.stats", "torch", "onnxruntime", "PIL.Image")
_OPTIONS = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:schemathesis")


class LineTracer:
    """A pytest plugin that notes which lines of a package each test executes, and its seconds."""

    def __init__(self, folder: Path) -> None:
        self.prefix = f"{folder}{os.sep}"
        self.tests: dict[str, set[str]] = defaultdict(set)  # by "file:line"
        self.seconds: dict[str, float] = {}
        self._current = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Trace one test."""
        start, self._current = time.perf_counter(), item.nodeid
        sys.settrace(self._trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            self.seconds[item.nodeid] = time.perf_counter() - start

    def _trace(self, frame: FrameType, event: str, arg: object) -> Any:
        return self._note if frame.f_code.co_filename.startswith(self.prefix) else None

    def _note(self, frame: FrameType, event: str, arg: object) -> Any:
        self.tests[f"{frame.f_code.co_filename}:{frame.f_lineno}"].add(self._current)
        return self._note


class Selection:
    """A pytest plugin that keeps the named tests in the given order; all if none is named."""

    def __init__(self, nodes: list[str]) -> None:
        self.nodes = nodes

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop all other tests."""
        if self.nodes:
            found = {item.nodeid: item for item in items}
            items[:] = [found[node] for node in self.nodes if node in found]


class RoomTests:
    """The tests of one package in a copy of the tree.

    Args:
        tree: Root of the copy.
        room: Name of the package, a folder in src/inkfast and in tests.
    """

    def __init__(self, tree: Path, room: str) -> None:
        self.tree, self.folder = tree, tree / "src" / "inkfast" / room
        self.files = sorted(
            str(file.relative_to(tree)) for file in (tree / "tests" / room).glob("test_*.py")
        )
        self.traced: dict[str, list[str]] = {}

    def trace(self, limit: float = 1800) -> bool:
        """Run all tests without a mutation, traced; return whether they pass."""
        notes, tracer = self.tree / "traced.json", LineTracer(self.folder)

        def finish() -> None:
            found = {
                line: sorted(tests, key=tracer.seconds.__getitem__)
                for line, tests in tracer.tests.items()
            }
            notes.write_text(json.dumps(found), encoding="utf-8")

        passed = self._fork(self.files, [tracer], limit, finish) == "passed"
        if passed:
            self.traced = json.loads(notes.read_text(encoding="utf-8"))
        return passed

    def run(self, path: Path, lines: range, limit: float) -> str:
        """Run the tests of some lines; return "passed", "failed" or "timeout".

        Args:
            path: The mutated file in the tree.
            lines: Numbers of the mutated lines.
            limit: Time limit in seconds.
        """
        nodes = next((self.traced[key] for line in lines
                      if (key := f"{path}:{line}") in self.traced), [])  # fmt: skip
        files = sorted({node.partition("::")[0] for node in nodes}) or self.files
        return self._fork(files, [Selection(nodes)], limit)

    def _fork(self, files: list[str], plugins: list[Any], limit: float, finish: Any = None) -> str:
        child = os.fork()
        if child == 0:
            _run_pytest(self.tree, files, plugins, finish)
        end = time.monotonic() + limit
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return "passed" if status == 0 else "failed"
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "timeout"


def _run_pytest(tree: Path, files: list[str], plugins: list[Any], finish: Any) -> None:
    """Run pytest on the tree without output, and end this process with its exit code."""
    code = 70
    try:
        os.setsid()
        os.chdir(tree)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        os.environ["PYTHONPATH"] = f"{tree / 'src'}{os.pathsep}{tree}"
        for name in [name for name in sys.modules if name.partition(".")[0] == "tools"]:
            del sys.modules[name]
        sys.path[:] = [str(tree), str(tree / "src"), *sys.path]
        code = int(pytest.main([*_OPTIONS, *files], plugins=plugins))
        if finish:
            finish()
    finally:
        os._exit(code)
