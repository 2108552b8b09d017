"""Mutations change one place each, and the tests of a package decide about a mutant."""

from __future__ import annotations

import pytest

from tools import mutate
from tools.mutations import find_mutations
from tools.results import ROOT


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


def test_tests_named_after_a_file_come_first():
    """They are the ones that most likely fail."""
    files = mutate.select_tests(ROOT, "src/inkfast/noise/mnist_c.py")
    assert files[0] == "tests/noise/test_mnist_c.py"
    assert len(files) > 1


@pytest.mark.parametrize(("after", "outcome"), [("a", "passed"), ("a + 1", "failed")])
def test_a_mutant_survives_if_all_tests_pass(after, outcome, tmp_path, monkeypatch):
    """The mutated file is tested in the copy, and restored."""
    source, room = "def f(a):\n    return a\n", tmp_path / "src" / "inkfast" / "room"
    room.mkdir(parents=True)
    (tmp_path / "tests" / "room").mkdir(parents=True)
    (room / "one.py").write_text(source)
    (tmp_path / "tests" / "room" / "test_one.py").write_text(
        "from runpy import run_path\n"
        "def test_it():\n    assert run_path('src/inkfast/room/one.py')['f'](1) == 1\n"
    )
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    (mutation,) = [m for m in find_mutations(source) if m.operator == "return None"]
    mutation = type(mutation)(
        "x", mutation.line, mutation.start, mutation.end, "", f"return {after}"
    )
    assert mutate.check_mutant(tmp_path, "src/inkfast/room/one.py", mutation, 60) == outcome
    assert (room / "one.py").read_text() == source
