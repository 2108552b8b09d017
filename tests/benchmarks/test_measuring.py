"""What the benchmarks measure, record and keep."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inkfast.training import hardware

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


def test_handwriting_figures_are_kept_for_the_same_file(tmp_path, monkeypatch):
    """A call without HANDWRITING keeps earlier figures with their machine, for that file alone."""
    import measured
    import reader

    before = measured.load_recorded("reader")
    before.pop("handwriting_machine", None)
    monkeypatch.setattr(measured, "RESULTS", tmp_path)

    def put(content: object) -> None:
        (tmp_path / "reader.json").write_text(json.dumps(content))

    assert reader.kept({"sha256": before["sha256"]}) == {}
    put(before)
    kept = reader.kept({"sha256": before["sha256"]})
    assert kept == {"handwriting": before["handwriting"], "handwriting_machine": before["machine"]}
    put({"sha256": before["sha256"], "machine": {}, **kept})
    assert reader.kept({"sha256": before["sha256"]}) == kept  # and so in the next call
    assert reader.kept({"sha256": before["sha256"], "handwriting": []}) == {}
    assert reader.kept({"sha256": "another"}) == {}


def test_figures_of_other_weights_are_left_out(tmp_path, monkeypatch):
    """Recorded scores under a suite are those of the weights that the run has now."""
    import recipes

    monkeypatch.setattr(recipes, "RUNS", tmp_path)
    run, path = tmp_path / "one", recipes.judged(tmp_path / "one", "mnist-c")
    path.parent.mkdir()
    path.write_text(json.dumps({"weights": {}}))
    assert recipes.figures_of(run, "mnist-c") == {"weights": {}}
    path.write_text(json.dumps({"weights": {"fit": "other"}}))
    assert recipes.figures_of(run, "mnist-c") == {}
    assert recipes.figures_of(tmp_path / "none", "mnist-c") == {}


def test_rows_of_a_command_are_timed():
    """The longest wait is between two rows, and memory is that of the command."""
    import abuse

    words = [sys.executable, "-c", "for _ in range(300): print('row')"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        rows, longest, memory = abuse._watched(process)
    assert rows == 300
    assert longest >= 0
    assert len(memory) == 3


def test_a_machine_names_the_instruction_sets_that_matter(monkeypatch):
    """Processors of one name are told apart by their instruction sets."""
    flags = {"flags": "fpu avx2 avx512f avx512_vnni amx_bf16", "model name": "Some EPYC"}
    monkeypatch.setattr(hardware, "_cpu_info", flags.get)
    found = hardware.describe_machine()
    assert found["processor"] == "Some EPYC"
    assert found["instructions"] == "AVX2, AVX-512, VNNI, AMX bf16"


def test_make_bench_measures_and_does_not_train_recipes():
    """Hours of training have a target of their own; every target ends with writing the documents."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    bodies = {
        name: re.search(rf"^{name}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)[1]
        for name in ("bench", "recipes", "reader")
    }
    assert "recipes.py" not in bodies["bench"]
    assert "recipes.py" in bodies["recipes"]
    assert "--rows 1000000" in bodies["bench"]
    for name in ("bench", "reader"):
        assert "reader.py" in bodies[name]
    for body in bodies.values():
        assert body.rstrip().endswith("-m tools.write_docs")
