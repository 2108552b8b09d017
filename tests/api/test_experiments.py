"""Experiments from Python: results, run folders, and what is said about wrong settings."""

from __future__ import annotations

import json

import numpy as np
import pytest

import inkfast

TINY = {"noise": "none", "models": ["knn", "logistic"], "threads": 1}


@pytest.fixture(scope="module")
def data(strokes, tmp_path_factory) -> str:
    """Return the path of a file with 400 easy digits."""
    path = tmp_path_factory.mktemp("data") / "strokes.npz"
    np.savez(path, images=strokes.images, labels=strokes.labels)
    return str(path)


def test_a_comparison_keeps_what_the_command_keeps(data, tmp_path):
    """The folder holds models, leaderboard and report; `load_run` gives the same results."""
    results = inkfast.compare(data=data, out=tmp_path / "run", **TINY)
    assert results.kind == "comparison"
    assert results.complete
    assert {row["model"] for row in results.rows} == {"knn", "logistic"}
    assert len(results.comparisons) == 1
    assert (tmp_path / "run" / "report.html").is_file()
    assert inkfast.load_run(tmp_path / "run") == results
    with pytest.raises(inkfast.InkfastError, match="already holds a run"):
        inkfast.compare(data=data, out=tmp_path / "run", **TINY)
    inkfast.compare(data=data, out=str(tmp_path / "run"), overwrite=True, **TINY)


def test_without_a_folder_nothing_stays(data, tmp_path, monkeypatch):
    """The results are in memory alone."""
    monkeypatch.chdir(tmp_path)
    results = inkfast.compare(data=data, **TINY | {"models": "knn"})
    assert results.folder is None
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_file_is_overridden_by_arguments(data, tmp_path):
    """Arguments win over the file's keys, training settings over those of its models."""
    recipe = tmp_path / "small.toml"
    recipe.write_text(
        'noise = "none"\nthreads = 1\nmodels = [{model = "mlp(hidden=[8])", epochs = 9}]\n'
    )
    results = inkfast.compare(
        recipe, data=data, epochs=1, recipe={"batch_size": 60, "min_epoch_images": 0}
    )
    assert [run["epochs"] for run in results.rows[0]["runs"]] == [1]


def test_a_cross_validation_has_its_folds(data, tmp_path):
    """Each fold is counted, with and without a run folder."""
    results = inkfast.cross_validate(data=data, folds=2, out=tmp_path / "folds", **TINY)
    assert results.kind == "cross-validation"
    assert [row["n_folds"] for row in results.rows] == [2, 2]
    assert inkfast.load_run(tmp_path / "folds") == results


def test_the_table_is_a_data_frame_if_there_is_pandas(monkeypatch, data):
    """Without pandas it is the list of rows."""
    results = inkfast.ExperimentResults("comparison", "", [{"model": "knn"}], [], True, None)
    pandas = pytest.importorskip("pandas")
    pandas.testing.assert_frame_equal(results.table(), pandas.DataFrame({"model": ["knn"]}))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert results.table() == [{"model": "knn"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": "ccn"}, "unknown model 'ccn'. Did you mean 'cnn'"),
        ({"model": "cnn"}, "unknown key 'model'. Did you mean 'models'"),
        ({"noise": 3}, "`noise` must be text, got 3"),
        ({"data": "mnits"}, "unknown data source 'mnits'. Did you mean 'mnist'"),
        ({"experiment": 3}, "experiment must be the path of a TOML file, got 3"),
        ({"experiment": "nowhere.toml"}, "cannot read the recipe nowhere.toml"),
        ({"recipe": "fast"}, "recipe must be a dict of training settings, got 'fast'"),
        ({"data": "embedded", "out": 3}, "out must be the path of a folder, got 3"),
        ({"data": "embedded", "executor": "locl:2"}, "locl"),
    ],
)
def test_wrong_settings_are_explained(arguments, message):
    """One sentence says what was expected and what was given."""
    with pytest.raises(inkfast.InkfastError, match=message):
        inkfast.compare(**arguments)


def test_wrong_folders_are_explained(data, tmp_path):
    """What is no run, not finished, or a search is told apart."""
    with pytest.raises(inkfast.InkfastError, match="is not a run"):
        inkfast.load_run(tmp_path)
    with pytest.raises(inkfast.InkfastError, match="folder must be the path of a run, got None"):
        inkfast.load_run(None)
    inkfast.compare(data=data, out=tmp_path / "run", **TINY)
    (tmp_path / "run" / "leaderboard.json").unlink()
    with pytest.raises(inkfast.InkfastError, match="has not finished"):
        inkfast.load_run(tmp_path / "run")
    identity = tmp_path / "run" / "data.json"
    identity.write_text(json.dumps(json.loads(identity.read_text()) | {"kind": "tuning"}))
    with pytest.raises(inkfast.InkfastError, match="is a search"):
        inkfast.load_run(tmp_path / "run")
