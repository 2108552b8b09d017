"""The tables of docs/handwriting.md."""

from __future__ import annotations

import json

import pytest

from inkfast.core.io import sha256
from tools import handwriting_tables, results
from tools.results import ROOT, load_result


def program(name: str, right: float, wrong: float) -> dict[str, object]:
    def share(value: float) -> dict[str, object]:
        return {"value": value, "ci95": [value / 2, value]}

    return {
        "system": name, "setting": f"of {name}", "n": 1200, "right": share(right),
        "wrong": share(wrong), "unsure": share(1 - right - wrong),
        "best_guess_right": share(right), "milliseconds": {"median": 1.25, "min": 1, "max": 2000},
    }  # fmt: skip


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Return a made-up result and a function that stores it where the tools look."""
    machine = load_result("serve_load")["machine"]
    made = {
        "command": "python benchmarks/handwriting.py --data FOLDER", "machine": machine,
        "versions": {"tesseract": "5", "inkfast": "1"}, "chunk": 25, "tried": 50,
        "sets": [
            {"set": "own", "images": 1200, "about": "own digits", "licence": "unknown",
             "use": "choosing and testing only", "mean_over": "authors", "groups": 7,
             "systems": [program("inkfast", 0.9, 0.05), program("Tesseract", 0.5, 0.5)]},
            {"set": "tie", "images": 10, "about": "ties", "licence": "MIT", "use": "neither",
             "mean_over": "", "groups": None,
             "systems": [program("inkfast", 0.5, 0.0), program("Tesseract", 0.5, 0.0)]},
        ],
        "left_out": [{"set": "phone", "reason": "x is not there"}],
        "systems_left_out": [{"system": "rapidocr", "reason": "no module"}],
    }  # fmt: skip
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    (tmp_path / "handwriting.json").write_text(json.dumps(made))
    return made


def test_the_summary_says_where_inkfast_is_not_ahead(found):
    """Every program has a column of right shares; a tie does not count as ahead."""
    text = "\n".join(handwriting_tables.handwriting_summary())
    assert "| [own](#own) | 1,200 | 90.0 % | 50.0 % | 5.0 % |" in text
    assert "in 1 of 2 sets, but not in tie." in text


def test_each_set_has_source_use_and_what_is_missing(found):
    """The licence and the use of each set are shown; sets and programs left out are named."""
    text = "\n".join(handwriting_tables.handwriting_sets())
    assert "| own | own digits | unknown | choosing and testing only |" in text
    assert "Not measured: phone (x is not there); rapidocr (no module)." in text


def test_each_set_has_a_table_with_intervals(found):
    """A program's line has its setting, its shares with intervals and its time with a range."""
    text = "\n".join(handwriting_tables.handwriting_results())
    assert "1,200 images, means over 7 authors; used for: choosing and testing only." in text
    assert "| inkfast | `of inkfast` | 90.0 % (45.0 to 90.0) | 5.0 % (2.5 to 5.0) |" in text
    assert "| 1.2 (1.0 to 2,000.0) |" in text
    assert "`python benchmarks/handwriting.py --data FOLDER`, on " in text
    assert "inkfast 1, tesseract 5" in text
    assert "chosen on up to 50 images" in text


def test_figures_are_those_of_the_shipped_networks():
    """Recorded figures were measured with the networks that are shipped now."""
    folder = ROOT / "src" / "inkfast" / "inference" / "shipped"
    shipped = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes())
        for path in folder.rglob("*.onnx")
    }
    assert load_result("handwriting").get("networks", shipped) == shipped
