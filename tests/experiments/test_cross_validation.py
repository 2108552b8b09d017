"""Cross-validation: every row is held out once, and no fold trains on its held-out rows."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from inkfast import cli
from inkfast.core.digits import Digits, Source
from inkfast.execution import quiet
from inkfast.experiments import cross_validation, run_folder
from inkfast.experiments.config import from_settings
from inkfast.training import Callback, batches, checkpointed_fit, loop

TINY = {
    "data": "strokes",
    "noise": "gaussian(sigma=0.3)",
    "models": ["mlp(hidden=[8])", "cnn(layers='C8(5)/2-GMP')"],
    "threads": 1,
    "folds": 3,
    "recipe": {"epochs": 2, "batch_size": 50, "min_epoch_images": 0, "precision": "fp32"},
}


@pytest.fixture
def source(strokes) -> Source:
    """Return strokes as training digits, each row told apart by two pixels."""
    images = strokes.images.copy()
    images[:, 0, 0], images[:, 0, 1] = np.arange(400) // 256, np.arange(400) % 256
    return Source(Digits(images, strokes.labels, "strokes"), None, "strokes")


def validated(
    settings, source, out: Path, observer=None, **flags
) -> cross_validation.CrossValidation:
    experiment = from_settings(settings)
    prints = cross_validation.cross_validation_identity(experiment, source)
    run_folder.claim_run(out, experiment, prints, **({"resume": False, "overwrite": False} | flags))
    return cross_validation.run_cross_validation(experiment, source, out, observer or quiet)


def test_every_row_is_held_out_once_in_each_repeat(source):
    """Folds are stratified and disjoint and hold every row; repeats differ."""
    labels = source.train.known_labels
    parts = list(cross_validation.make_folds(source.train, from_settings(TINY | {"repeats": 2})))
    assert [fold.slug for fold in parts[:4]] == [
        "repeat1-fold1", "repeat1-fold2", "repeat1-fold3", "repeat2-fold1",
    ]  # fmt: skip
    for repeat in (parts[:3], parts[3:]):
        assert sorted(np.concatenate([fold.held_out for fold in repeat])) == list(range(400))
        for fold in repeat:
            assert not set(fold.train) & set(fold.held_out)
            assert np.ptp(np.bincount(labels[fold.held_out])) <= 1
    assert not np.array_equal(parts[0].held_out, parts[3].held_out)


def test_no_fold_sees_its_held_out_rows(source, tmp_path, monkeypatch):
    """Balancing and training get only the training rows of the fold."""
    seen: list[set[bytes]] = []
    real = batches.balance

    def spy(digits, *rest):
        seen.append({image.tobytes() for image in digits.images})
        return real(digits, *rest)

    monkeypatch.setattr(batches, "balance", spy)
    settings = TINY | {"models": ["mlp(hidden=[4])"], "noise": "none"}
    result = validated(settings, source, tmp_path / "run")
    assert len(seen) == 3
    for fit, rows in zip(result.fits, seen, strict=True):
        held_out = {image.tobytes() for image in source.train.images[fit.fold.held_out]}
        assert not rows & held_out
        assert len(rows) == round(len(fit.fold.train) * 0.9)


def test_imbalance_thins_what_is_trained_on_and_not_what_is_judged(inkfast, strokes, tmp_path):
    """Every row is held out once, although a fold trains on a share of a class."""
    np.savez(tmp_path / "d.npz", images=strokes.images, labels=strokes.labels)
    words = [
        "validate", "--data", tmp_path / "d.npz", "--models", "mlp(hidden=[4])", "--folds", 2,
        "--epochs", 1, "--set", "min_epoch_images=0", "--threads", 1, "--out", tmp_path / "run",
    ]  # fmt: skip
    counts = {}
    for name in ("", "3=0.25"):
        more = ["--imbalance", name] if name else []
        code, _, err = inkfast(*words, *more, "--overwrite")
        assert code == 0, err
        with (tmp_path / "run" / "folds.csv").open() as file:
            table = list(csv.DictReader(file))
        counts[name] = [(int(row["n_train"]), int(row["n_held_out"])) for row in table]
    assert counts[""] == [(160, 160)] * 2  # of 400, 80 are the test
    assert counts["3=0.25"] == [(148, 160)] * 2
    settings = from_settings(TINY | {"imbalance": "3=0.25"})
    for fold in cross_validation.make_folds(strokes, settings):
        thin, judged = (np.bincount(strokes.labels[r]) for r in (fold.train, fold.held_out))
        assert min(judged) == 13
        assert thin[3] in (6, 7)
        assert min(np.delete(thin, 3)) >= 26


def test_every_fold_has_weights_of_its_own(source, tmp_path, monkeypatch):
    """Each fit creates a new network from its own seed."""
    made: list[tuple[int, float]] = []
    real = checkpointed_fit.create

    def spy(architecture, generator):
        model = real(architecture, generator)
        made.append((id(model), float(next(model.parameters()).detach().sum())))
        spy.kept.append(model)
        return model

    spy.kept = []
    monkeypatch.setattr(checkpointed_fit, "create", spy)
    result = validated(TINY, source, tmp_path / "run")
    assert len({identity for identity, _ in made}) == 6
    assert len({weights for _, weights in made}) == 6
    assert len({(fit.model_spec.name, fit.trained.seed) for fit in result.fits}) == 6


def test_what_is_written(source, tmp_path):
    """Means and deviations are those of the folds' table, and a resumed run equals an uninterrupted one."""
    result = validated(TINY, source, tmp_path / "run")
    result.write(tmp_path / "run")
    with (tmp_path / "run" / "folds.csv").open() as file:
        table = list(csv.DictReader(file))
    content = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert len(table) == 6
    for row in content["rows"]:
        values = [float(line["accuracy"]) for line in table if line["model"] == row["model"]]
        assert row["accuracy"] == pytest.approx(np.mean(values))
        assert row["accuracy_std"] == pytest.approx(np.std(values, ddof=1))
    assert "n = 3 folds" in content["comparisons"][0]["test"]
    assert "never go below p = 0.25" in content["comparisons"][0]["test"]

    def stopping(title, number, of):
        def epoch(e):
            if number == 4:
                raise KeyboardInterrupt

        return Callback(on_epoch_end=epoch)

    cut = validated(TINY, source, tmp_path / "cut", stopping)
    assert (cut.interrupted, len(cut.fits)) == (True, 3)
    again = validated(TINY, source, tmp_path / "cut", resume=True)
    assert [fit.scores.accuracy for fit in again.fits] == [f.scores.accuracy for f in result.fits]


def finished(
    accuracies: dict[str, dict[int, float]], folds: int = 5
) -> cross_validation.CrossValidation:
    """Return a cross-validation with the given accuracy of each model on some folds."""
    experiment = from_settings(TINY | {"folds": folds, "models": ["mlp", "cnn"]})
    none = np.zeros(0, np.int64)
    fits = [
        cross_validation.FoldFit(
            model_spec,
            cross_validation.Fold(1, number, none, none),
            None,
            SimpleNamespace(accuracy=accuracy),
        )
        for model_spec in experiment.models
        for number, accuracy in accuracies[model_spec.name].items()
    ]
    return cross_validation.CrossValidation(experiment, None, fits, True)


def test_what_is_interrupted_is_compared_on_the_folds_of_all():
    """Models are compared on common folds, so easy finished folds are no advantage."""
    easy = finished({"mlp": {1: 0.90, 2: 0.70, 3: 0.71}, "cnn": {2: 0.74, 3: 0.73}})
    assert easy.names() == ["cnn", "mlp"]
    assert easy.values("mlp", "accuracy") == [0.70, 0.71]
    (comparison,) = easy.comparisons()
    assert (comparison.better, comparison.difference) == ("cnn", pytest.approx(0.03))
    assert len(easy.fits) == 5
    apart = finished({"mlp": {1: 0.90}, "cnn": {2: 0.74}})
    assert apart.names() == ["mlp", "cnn"]
    assert apart.comparisons() == []
    assert apart.headline().endswith("; no fold is finished by all models, to compare.")


def test_folds_that_share_more_rows_say_less():
    """The corrected test uses the share of the experiment's folds, 1 / (k - 1)."""
    accuracies = {"mlp": {1: 0.90, 2: 0.91, 3: 0.93}, "cnn": {1: 0.93, 2: 0.92, 3: 0.97}}
    (comparison,) = finished(accuracies, folds=3).comparisons()
    differences = np.array([0.03, 0.01, 0.04])
    statistic = differences.mean() / np.sqrt((1 / 3 + 1 / 2) * differences.var(ddof=1))
    assert comparison.p_value == pytest.approx(2 * stats.t.sf(statistic, 2))


def test_more_folds_than_rows_of_a_class(source):
    """More folds than rows of a class are refused with the class and its count."""
    few = Source(source.train.pick(np.arange(25), "few"), None, "few")
    with pytest.raises(
        ValueError, match="folds=3 needs as many rows of every class: class 5 has 2"
    ):
        cross_validation.cross_validation_identity(from_settings(TINY), few)
    with pytest.raises(ValueError, match="`folds` must be a whole number >= 2"):
        from_settings({"folds": 1})


def test_from_the_command_line(strokes, tmp_path, monkeypatch, capsys):
    """`inkfast validate` prints mean, deviation and test, and writes a page without scripts."""
    np.savez(tmp_path / "d.npz", images=strokes.images, labels=strokes.labels)
    words = [
        "validate", "--data", tmp_path / "d.npz", "--models", "mlp(hidden=[8]),mlp(hidden=[2])", "--folds", 2,
        "--epochs", 2, "--set", "min_epoch_images=0", "--threads", 1, "--out", tmp_path / "run",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["inkfast", *map(str, words)])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    out, err = capsys.readouterr()
    assert (exit_.value.code, err) == (0, "")
    assert "corrected resampled t-test over n = 2 folds" in out
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script" not in page
    assert '<h2 id="folds">' in page


def test_what_diverges_is_left_out_and_said(inkfast, strokes, tmp_path, monkeypatch):
    """The other folds are reported, and the exit code shows that one is missing."""
    real = loop.evaluate_model

    def evaluate(model, *rest):
        loss, accuracy = real(model, *rest)
        wide = next(model.parameters()).shape[0] == 9
        return (float("nan") if wide else loss), accuracy

    monkeypatch.setattr(loop, "evaluate_model", evaluate)
    np.savez(tmp_path / "d.npz", images=strokes.images, labels=strokes.labels)
    words = [
        "validate", "--data", tmp_path / "d.npz", "--folds", 2, "--epochs", 1, "--threads", 1,
        "--set", "min_epoch_images=0", "--models",
    ]  # fmt: skip
    both = [*words, "mlp(hidden=[8]),mlp(hidden=[9])", "--out", tmp_path / "run"]
    for again in ([], ["--resume"]):
        code, out, err = inkfast(*both, *again)
        assert code == 2
        assert "hidden=[9]" in err
        assert "the loss became nan in epoch 1" in err
        assert "mlp(hidden=[8]) reads" in out
    result = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert [row["model"] for row in result["rows"]] == ["mlp(hidden=[8])"]
    assert (result["complete"], len(result["left_out"])) == (
        False,
        len(result["rows"][0]["accuracies"]),
    )
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Left out: training mlp(" in report
    assert "interrupted" not in report
    code, _, err = inkfast(*words, "mlp(hidden=[9])", "--out", tmp_path / "none")
    assert code == 2
    assert "the loss became nan" in err
    assert not (tmp_path / "none" / "validation.json").exists()
