"""`inkfast adapt`: what it prints and writes, and how it refuses."""

from __future__ import annotations

import pytest

from tests.adaptation.hands import edit, write_hand, write_model


def test_a_network_is_adapted_and_used(inkfast, tmp_path):
    """Three lines say what was done, gained and guaranteed; `predict` takes the file."""
    model, answers, to = write_model(tmp_path), write_hand(tmp_path), tmp_path / "my.onnx"
    code, out, err = inkfast("adapt", answers, "--to", to, "--model", model, "--max-error", 0.2)
    assert (code, err) == (0, "")
    done, gain, guarantee = out.splitlines()
    assert "adapted to 60 corrected digits" in done
    assert gain.startswith("by cross-validation, ")
    assert "with 95 % confidence" in guarantee
    assert sorted(path.name for path in tmp_path.glob("my.*")) == ["my.json", "my.md", "my.onnx"]
    code, out, _ = inkfast("predict", tmp_path / "hand.npy", "--model", to, "--format", "csv")
    assert code == 0
    assert len(out.splitlines()) == 61


@pytest.mark.parametrize(
    ("change", "to", "reason"),
    [("hand.npy#3,", "gone.npy#3,", "gone.npy#3"), ("corrected", "right", "corrected")],
    ids=["image gone", "nothing corrected"],
)
def test_bad_input_is_one_line(inkfast, tmp_path, change, to, reason):
    """What is wrong stands in one line with exit code 2, and nothing is written."""
    answers = edit(write_hand(tmp_path), change, to)
    code, out, err = inkfast(
        "adapt", answers, "--to", tmp_path / "my.onnx", "--model", write_model(tmp_path)
    )
    assert (code, out) == (2, "")
    assert reason in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.glob("my.*"))
