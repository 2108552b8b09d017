"""`inkfast predict`: Kaggle's submission format, from the model that validation chose."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest

from inkfast import cli


def test_a_submission_has_kaggles_form(strokes, tmp_path, monkeypatch, capsys):
    """Ids count from 1 in the order of the rows, labels are the model's answers."""
    np.savez(tmp_path / "train.npz", images=strokes.images, labels=strokes.labels)
    header = ",".join(f"pixel{i}" for i in range(784))
    rows = [",".join(map(str, image.ravel())) for image in strokes.images[:30]]
    (tmp_path / "test.csv").write_text("\n".join([header, *rows]) + "\n")
    words = [
        ["train", "mlp(hidden=[32])", "--data", tmp_path / "train.npz", "--noise", "none", "--out", tmp_path / "run",
         "--set", "min_epoch_images=2000", "--set", "precision=fp32", "--epochs", "4", "--threads", "1"],
        ["predict", tmp_path / "test.csv", "--model", tmp_path / "run", "--to", tmp_path / "submission.csv"],
    ]  # fmt: skip
    for line in words:
        monkeypatch.setattr(sys, "argv", ["inkfast", *map(str, line)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert not exit_.value.code, capsys.readouterr().err
    with (tmp_path / "submission.csv").open() as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["ImageId", "Label"]
    assert [int(row["ImageId"]) for row in table] == list(range(1, 31))
    right = [int(row["Label"]) for row in table] == strokes.labels[:30]
    assert right.mean() > 0.9
    assert "30 digits read by mlp(hidden=[32]), seed 0" in capsys.readouterr().out
