"""Mutations change one place each, and the tests of a package decide about a mutant."""

from __future__ import annotations

import dataclasses

import pytest

from tools import mutate
from tools.mutant_runner import RoomTests
from tools.mutations import find_mutations


def mutants(source: str) -> set[str]:
    return {mutation.apply(source) for mutation in find_mutations(source)}


@pytest.mark.parametrize(("source", "expected"), [
    ("a < b", {"(a >= b)", "(a <= b)"}),
    ("a == b", {"(a != b)"}),
    ("a + b", {"(a - b)"}),
    ("a and b", {"(a or b)"}),
    ("x = 3", {"x = 4", "x = 2"}),
    ("x = True", {"x = False"}),
    ("x = abs(y)", {"x = (y)"}),
    ("x = np.min(y)", {"x = (np.max(y))"}),
    ("x = y.max()", {"x = (y.min())"}),
    ("x = not y", {"x = (y)"}),
    ("x = a if b else c", {"x = (c if b else a)"}),
    ("f(x)", {"pass"}),
    ("x += y", {"pass"}),
    ("def f():\n    return x", {"def f():\n    return None"}),
])  # fmt: skip
def test_each_operator_changes_the_code(source, expected):
    """Every kind of mutation yields the code one expects of its name."""
    assert mutants(source) == expected


def test_what_does_not_run_is_not_mutated():
    """Docstrings, annotations, messages and names stay as they are."""
    assert (
        mutants('"""A number: 3."""\nfrom x import y\nz: Annotated[int, 3]\nw = f"{1 + 1}"')
        == set()
    )


def test_everything_else_stays_as_it_is():
    """Comments and layout around a change remain, also behind letters of two bytes."""
    source = "é = 'ü'  # a comment\nx = (a  # one\n     + 1)\n"
    assert "é = 'ü'  # a comment\nx = (a  # one\n     + 2)\n" in mutants(source)


def test_a_sample_is_drawn_from_its_seed():
    """The same seed draws the same mutants, each from a file of the package."""
    drawn, total = mutate.sample_mutants("core", 10, seed=0)
    assert drawn == mutate.sample_mutants("core", 10, seed=0)[0]
    assert drawn != mutate.sample_mutants("core", 10, seed=1)[0]
    assert len(drawn) == 10 < total
    assert all(path.startswith("src/inkfast/core/") for path, _ in drawn)


@pytest.fixture
def tests(tmp_path, monkeypatch) -> RoomTests:
    """Return the tests of a package of one function, in a tree of their own."""
    room, folder = tmp_path / "src" / "inkfast" / "room", tmp_path / "tests" / "room"
    for each in (room, folder):
        each.mkdir(parents=True)
    (room / "one.py").write_text("def f(a):\n    return a\n\n\ndef g(a):\n    return a\n")
    (folder / "test_one.py").write_text(
        "import runpy\n"
        "from pathlib import Path\n"
        f"found = runpy.run_path({str(room / 'one.py')!r})\n"
        "def test_f():\n    assert found['f'](1) == 1\n"
        "def test_g():\n    found['g'](1)\n"
    )
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    return RoomTests(tmp_path, "room")


def change(tests: RoomTests, line: int, after: str) -> str:
    """Return the outcome of a mutant that returns something else in a line."""
    source = (tests.folder / "one.py").read_text()
    (found,) = [m for m in find_mutations(source) if (m.line, m.operator) == (line, "return None")]
    mutation = dataclasses.replace(found, after=f"return {after}")
    outcome = mutate.check_mutant(tests, "src/inkfast/room/one.py", mutation, 60)
    assert (tests.folder / "one.py").read_text() == source
    return outcome


def test_a_mutant_survives_if_all_tests_pass(tests):
    """The mutated file is tested in the copy and restored; each line has the tests that execute it."""
    assert tests.trace()
    path = tests.folder / "one.py"
    node = "tests/room/test_one.py::test_"
    assert tests.traced == {f"{path}:2": [f"{node}f"], f"{path}:6": [f"{node}g"]}
    assert change(tests, 2, "a + 0") == "passed"
    assert change(tests, 2, "a + 1") == "failed"
    assert change(tests, 6, "None") == "passed"


def test_a_mutant_that_hangs_is_stopped(tests):
    """The time limit ends it."""
    path = tests.folder / "one.py"
    path.write_text(path.read_text().replace("return a\n\n", "while True: pass\n\n"))
    assert tests.run(path, range(2, 3), 3) == "timeout"
