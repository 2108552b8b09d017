"""The tables that the tools write from measured results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import benchmark_tables, model_card, results, write_docs
from tools.results import ROOT, load_result
from tools.target_list import TARGETS
from tools.targets import Target


@pytest.fixture
def measured():
    """Return a function that loads a result as it was measured."""
    return {path.stem: json.loads(path.read_text()) for path in results.RESULTS.glob("*.json")}.get


@pytest.fixture
def folder(measured, tmp_path, monkeypatch) -> Path:
    """Return an empty folder that the tools take for the results' folder."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    return tmp_path


def put(folder: Path, name: str, content: object) -> None:
    (folder / f"{name}.json").write_text(json.dumps(content))


def test_every_missed_target_is_marked_and_has_a_reason():
    """docs/benchmarks.md has a row for each target, and a reason for each that is missed."""
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    missed = [target for target in TARGETS if target.is_reached() is False]
    assert page.count("| **missed** |") == len(missed) > 0
    for target in TARGETS:
        assert f"| {target.what} | at " in page
    for target in missed:
        assert target.explain() != "Not analysed yet.", target.what
        assert f"- **{target.what}.** {target.explain()}" in page


def test_a_target_is_reached_at_its_goal_and_missed_beyond_it():
    """A goal is a lower or an upper limit and itself reached; floats are compared with tolerance."""

    def reached(value: float, *, at_most: bool) -> bool | None:
        return Target("x", 0.0005, "", lambda: value, at_most).is_reached()

    assert reached(0.0005, at_most=False)
    assert reached(0.9 - 0.8995, at_most=True)
    assert reached(0.0004999, at_most=False) is False
    assert reached(0.0005001, at_most=True) is False


@pytest.mark.parametrize("name", write_docs.DOCUMENTS)
def test_documents_can_be_written_without_any_result(name, folder):
    """Unmeasured tables say so; nothing fails."""
    page = write_docs.fill_marks((ROOT / name).read_text(encoding="utf-8"))
    assert "**missed**" not in page
    assert "Not measured yet." in page


def test_each_table_names_its_own_command_and_machine(measured, folder):
    """Figures of one benchmark never stand under the command or the machine of another."""
    for name in ("reader", "pages", "serve_load", "abuse"):
        found = measured(name)
        machine = found["machine"] | {"processor": f"{name}'s", "instructions": "AVX2, bf16"}
        put(folder, name, found | {"machine": machine})
    for table, name in (
        ("reading", "reader"), ("pages", "pages"), ("serving", "serve_load"),
        ("damaged", "abuse"),
    ):  # fmt: skip
        text = "\n".join(benchmark_tables.BENCHMARK_TABLES[table]())
        assert f"benchmarks/{name}.py" in text
        assert re.findall(r"an (\S+) \(AVX2, bf16\)", text) == [f"{name}'s"]


def test_handwriting_of_an_earlier_call_is_marked(measured, folder):
    """The card names the machine of handwriting figures that the last call did not measure."""
    before = measured("reader")
    before.pop("handwriting_machine", None)
    put(folder, "reader", before)
    assert "An earlier call" not in "\n".join(model_card.handwriting())
    put(folder, "reader", before | {"machine": {}, "handwriting_machine": before["machine"]})
    assert "An earlier call measured it, on the same file, on " in "\n".join(
        model_card.handwriting()
    )


def test_unsure_photographs_are_listed(measured, folder):
    """The model card names each of them, and shows the figure with all of them."""
    found = measured("reader")
    listed = [{"file": "4/012.png", "label": 4, "digit": 6}]
    found["handwriting"] = [found["handwriting"][0] | {"n": 1000, "unsure_files": listed}]
    put(folder, "reader", found)
    text = "\n".join(model_card.handwriting())
    assert "1 of 1,000" in text
    assert "4/012.png (6)" in text
    assert "(reader-unsure.png)" in text


def test_figures_of_the_reader_are_shown(measured, folder):
    """The shipped file under MNIST-C, and ONNX Runtime beside torch, once they are measured."""
    spread = {"n": 3, "min": 40.0, "median": 41.0, "mean": 41.0, "max": 45.0}
    row = {"noise": "clean", "n": 10_000, "accuracy": 0.99, "accuracy_std": None, "ece": 0.1,
           "coverage": 1.0, "error": 0.01}  # fmt: skip
    put(folder, "reader", measured("reader") | {
        "corruptions": {"seconds": spread, "images": 150_000, "max_error": 0.005, "rows": [row],
                        "models": [{"mean": 0.985}]},
        "inference": {"threads": 1, "flops_per_image": 2e7, "matrix_gflops": spread, "rows": [
            {"by": "torch eager", "images_per_second": spread, "gflops": spread,
             "fraction": spread | {"median": 0.52}}]},
    })  # fmt: skip
    tables = benchmark_tables.BENCHMARK_TABLES
    assert "150,000 corrupted digits" in "\n".join(tables["reading"]())
    assert "| torch eager | 41 (40 to 45, n = 3) |" in "\n".join(tables["inference"]())
    text = "\n".join(model_card.reader_corruptions())
    assert "| clean | 99.00 % | 10.00 % |" in text
    assert "at most 0.50 % of its answers are wrong" in text


@pytest.mark.parametrize(("reached", "words"), [(3, "inkfast is 4.0"), (1, "Not every seed")])
def test_a_peer_that_misses_the_goal_is_said_to(reached, words, measured, folder):
    """Without the goal there is no ratio of times: the best epochs are given instead."""
    spread = {"n": 3, "min": 1.0, "median": 2.0, "mean": 2.0, "max": 3.0}
    one = dict.fromkeys(("training_seconds", "process_seconds", "accuracy", "epochs"), spread)
    put(folder, "time_to_99.5", one | {
        "command": "c", "machine": measured("time_to_99")["machine"], "seeds_at_99.5": 3,
        "keras": one | {"version": "3", "seeds_at_99.5": reached,
                        "best": {"min": 0.991, "max": 0.992}},
        "ratio": {"training_seconds": 4.0, "process_seconds": 3.0},
    })  # fmt: skip
    text = "\n".join(benchmark_tables.BENCHMARK_TABLES["time-to-99.5"]())
    assert words in text
    assert ("99.10 % to 99.20 %" in text) is (reached < 3)


def test_suites_were_measured_with_the_weights_of_the_leaderboards():
    """A model's clean accuracy under a suite is the one in its run's leaderboard."""
    boards = {
        (found["recipe"], row["model"]): row["accuracy"]["mean"]
        for name in ("sources", "recipes")
        for found in load_result(name)["recipes"] if found["noise"] == "none"
        for row in found["rows"]
    }  # fmt: skip
    compared = 0
    for suite in load_result("recipes")["suites"]:
        for one in suite["models"]:
            if (key := (suite["run"], one["model"])) in boards:
                assert one["clean"] == pytest.approx(boards[key], abs=1e-9), key
                compared += 1
    assert compared > 2
