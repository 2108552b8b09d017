"""What the benchmarks' scripts make of results: aims, tables, parts that are kept."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from inkfast.training import hardware

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def results(scripts, tmp_path, monkeypatch):
    """Return a folder of results of our own, empty."""
    import tables

    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    return tmp_path


def put(folder: Path, name: str, content: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(content))


def taken(name: str) -> dict[str, object]:
    """Return a result as it was measured."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def test_every_aim_that_was_missed_is_called_so_and_has_a_reason(scripts):
    """docs/benchmarks.md has a row for each aim, and below it why a figure was not reached."""
    import aims

    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    missed = [aim for aim in aims.AIMS if aim.reached() is False]
    assert page.count("| **missed** |") == len(missed) > 0
    for aim in aims.AIMS:
        assert f"| {aim.what} | at " in page
    for aim in missed:
        assert aim.reason() != "Not looked into yet.", aim.what
        assert f"- **{aim.what}.** {aim.reason()}" in page


def test_a_figure_is_reached_at_its_goal_and_missed_beyond_it(scripts):
    """A goal is a least or a most, itself reached; floats of the same value count as the same."""
    import aims

    def reached(value: float, *, most: bool) -> bool | None:
        return aims.Aim("x", 0.0005, str, lambda: value, most).reached()

    assert reached(0.0005, most=False)
    assert reached(0.9 - 0.8995, most=True)
    assert reached(0.0004999, most=False) is False
    assert reached(0.0005001, most=True) is False


def test_documents_are_made_without_any_result(results):
    """What was not measured is left out or said to be missing; nothing fails."""
    import pages

    for name in ("benchmarks", "model-card"):
        made = pages.filled((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))
        assert "**missed**" not in made
        assert "Not measured yet." in made


def test_each_group_of_figures_names_its_own_command_and_machine(results):
    """Figures of one script never stand under another's command or machine."""
    import pages

    for name in ("reader", "composed_numbers", "serve_load", "abuse"):
        found = taken(name)
        machine = found["machine"] | {"processor": f"{name}'s", "instructions": "AVX2, bf16"}
        put(results, name, found | {"machine": machine})
    for table, name in (
        ("reading", "reader"), ("composed", "composed_numbers"), ("serving", "serve_load"),
        ("damaged", "abuse"),
    ):  # fmt: skip
        told = "\n".join(pages.TABLES[table]())
        assert f"benchmarks/{name}.py" in told
        assert re.findall(r"an (\S+) \(AVX2, bf16\)", told) == [f"{name}'s"]


def test_a_part_that_is_not_measured_again_is_kept_for_the_same_file(results):
    """A call without HANDWRITING keeps those figures, says so, and forgets them for another file."""
    import card
    import reader

    before = taken("reader")
    before.pop("handwriting_machine", None)
    put(results, "reader", before)
    kept = reader.kept({"sha256": before["sha256"]})
    assert kept == {
        "handwriting": before["handwriting"],
        "handwriting_machine": before["machine"],
    }
    assert "An earlier call" not in "\n".join(card.handwriting())
    put(results, "reader", {"sha256": before["sha256"], "machine": {}, **kept})
    assert "An earlier call measured it, on the same file, on " in "\n".join(card.handwriting())
    assert reader.kept({"sha256": before["sha256"]}) == kept  # and so in the next call
    assert reader.kept({"sha256": before["sha256"], "handwriting": []}) == {}
    assert reader.kept({"sha256": "another"}) == {}


def test_unsure_photographs_are_listed(results):
    """The card names each of them, with the picture that shows them."""
    import card

    found = taken("reader")
    found["handwriting"][0]["unsure"] = [{"file": "4/012.png", "label": 4, "digit": 6}]
    put(results, "reader", found)
    told = "\n".join(card.handwriting())
    assert "1 of 1,000" in told
    assert "4/012.png (6)" in told
    assert "(reader-unsure.png)" in told


def test_new_figures_of_the_reader_are_shown(results):
    """The shipped file under MNIST-C, and ONNX Runtime beside torch, once they are measured."""
    import card
    import pages

    spread = {"n": 3, "min": 40.0, "median": 41.0, "mean": 41.0, "max": 45.0}
    row = {"noise": "clean", "n": 10_000, "accuracy": 0.99, "accuracy_std": None, "ece": 0.1,
           "coverage": 1.0, "error": 0.01}  # fmt: skip
    put(results, "reader", taken("reader") | {
        "corruptions": {"seconds": spread, "images": 150_000, "max_error": 0.005, "rows": [row],
                        "models": [{"mean": 0.985}]},
        "inference": {"threads": 1, "flops_per_image": 2e7, "matrix_gflops": spread, "rows": [
            {"by": "torch eager", "images_per_second": spread, "gflops": spread,
             "fraction": spread | {"median": 0.52}}]},
    })  # fmt: skip
    assert "150,000 digits corrupted" in "\n".join(pages.TABLES["reading"]())
    assert "| torch eager | 41 (40 to 45, n = 3) |" in "\n".join(pages.TABLES["inference"]())
    told = "\n".join(card.shipped())
    assert "| clean | 99.00 % | 10.00 % |" in told
    assert "at most 0.50 % of its answers wrong" in told


@pytest.mark.parametrize(("there", "words"), [(3, "inkfast is 4.0"), (1, "Not every seed")])
def test_a_peer_that_does_not_get_there_is_said_to(there, words, results):
    """How far an example came that ended without the goal, instead of a ratio to its time."""
    import pages

    spread = {"n": 3, "min": 1.0, "median": 2.0, "mean": 2.0, "max": 3.0}
    one = dict.fromkeys(("training_seconds", "process_seconds", "accuracy", "epochs"), spread)
    put(results, "time_to_99.5", one | {
        "command": "c", "machine": taken("time_to_99")["machine"], "seeds_at_99.5": 3,
        "keras": one | {"version": "3", "seeds_at_99.5": there,
                        "best": {"min": 0.991, "max": 0.992}},
        "ratio": {"training_seconds": 4.0, "process_seconds": 3.0},
    })  # fmt: skip
    told = "\n".join(pages.TABLES["longer"]())
    assert words in told
    assert ("99.10 % to 99.20 %" in told) is (there < 3)


def test_suites_are_of_the_weights_that_the_leaderboards_show():
    """A model's clean accuracy under a suite is the one that its run's table gives."""
    boards = {
        (found["recipe"], row["model"]): row["accuracy"]["mean"]
        for name in ("sources", "recipes")
        for found in taken(name)["recipes"] if found["noise"] == "none"
        for row in found["rows"]
    }  # fmt: skip
    compared = 0
    for suite in taken("recipes")["suites"]:
        for one in suite["models"]:
            if (key := (suite["run"], one["model"])) in boards:
                assert one["clean"] == pytest.approx(boards[key], abs=1e-9), key
                compared += 1
    assert compared > 2


def test_figures_of_weights_that_are_no_more_are_left_out(scripts, tmp_path, monkeypatch):
    """What is recorded of a suite was judged with the weights that the run has now."""
    import recipes

    monkeypatch.setattr(recipes, "RUNS", tmp_path)
    run, path = tmp_path / "one", recipes.judged(tmp_path / "one", "mnist-c")
    path.parent.mkdir()
    path.write_text(json.dumps({"weights": {}}))
    assert recipes.figures_of(run, "mnist-c") == {"weights": {}}
    path.write_text(json.dumps({"weights": {"fit": "other"}}))
    assert recipes.figures_of(run, "mnist-c") == {}
    assert recipes.figures_of(tmp_path / "none", "mnist-c") == {}


def test_rows_of_a_command_are_watched(scripts):
    """The longest wait is between two rows, and memory is that of the command."""
    import abuse

    words = [sys.executable, "-c", "for _ in range(300): print('row')"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        rows, longest, memory = abuse._watched(process)
    assert rows == 300
    assert longest >= 0
    assert len(memory) == 3


def test_a_machine_names_the_instructions_that_matter(monkeypatch):
    """Processors of one name are told apart by what they can do."""
    flags = {"flags": "fpu avx2 avx512f avx512_vnni amx_bf16", "model name": "Some EPYC"}
    monkeypatch.setattr(hardware, "_cpu_info", flags.get)
    found = hardware.describe()
    assert found["processor"] == "Some EPYC"
    assert found["instructions"] == "AVX2, AVX-512, VNNI, AMX bf16"


def test_make_bench_measures_and_does_not_train_recipes():
    """Hours of training have a target of their own; a million rows are measured."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    bodies = {
        name: re.search(rf"^{name}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)[1]
        for name in ("bench", "recipes", "reader")
    }
    assert "recipes.py" not in bodies["bench"]
    assert "recipes.py" in bodies["recipes"]
    assert "--rows 1000000" in bodies["bench"]
    for name in ("bench", "reader"):
        assert "reader.py $(HANDWRITING)" in bodies[name]
    for body in bodies.values():
        assert body.rstrip().endswith("/document.py")
