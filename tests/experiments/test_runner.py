"""Experiments: settings, faults, run folders, resuming and reports."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest

from inkfast import report
from inkfast.core.digits import Digits, Source
from inkfast.execution import quiet
from inkfast.experiments import leaderboard, run_folder, runner
from inkfast.experiments.config import Experiment, from_settings, read_toml
from inkfast.experiments.dataset import load_run_data, split_source
from inkfast.training import Callback
from tests.conftest import make_strokes
from tests.experiments.conftest import TINY


def run(settings, dataset, out: Path, *, page=False, **flags):
    experiment = from_settings(settings)
    digits = dataset(experiment)
    run_folder.claim_run(
        out, experiment, digits.fingerprints(), **({"resume": False, "overwrite": False} | flags)
    )
    board = leaderboard.build_leaderboard(runner.run_experiment(experiment, digits, out, quiet))
    board.write(out)
    if page:
        report.write_comparison_report(board, out)
    return board


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the leaderboard of one small run and its folder, which no test may change."""
    out = tmp_path_factory.mktemp("finished") / "run"
    source = Source(make_strokes(), None, "strokes")
    return run(TINY, lambda experiment: split_source(experiment, source), out, page=True), out


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """Return a copy of the finished run's folder."""
    shutil.copytree(finished[1], tmp_path / "run")
    return tmp_path / "run"


def test_baselines_are_compared_with_networks(dataset, tmp_path):
    """They have rows and points in figures, are not fitted again on resume, and refused if damaged."""
    settings = TINY | {"models": ["mlp(hidden=[8])", "knn", "svm(C=2)", "logistic"]}
    board = run(settings, dataset, tmp_path / "run", page=True)
    assert {row.name for row in board.rows} == {"mlp(hidden=[8])", "knn", "svm(C=2)", "logistic"}
    assert all(row.n_parameters > 1000 for row in board.rows)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "A model with a single epoch is a diamond" in page
    assert "and once for baselines, which are not trained in batches" in page
    assert page.count("fitted at once") == 3
    again = run(settings, dataset, tmp_path / "run", resume=True)
    assert again.to_json() == board.to_json()
    path = tmp_path / "run" / "fits" / "knn-seed0" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is damaged or was changed"):
        run(settings, dataset, tmp_path / "run", resume=True)


def test_a_report_of_networks_does_not_mention_baselines(finished):
    """Neither baselines nor their marks are explained."""
    page = (finished[1] / "report.html").read_text()
    assert "diamond" not in page
    assert "baseline" not in page


def test_a_run_folder_has_every_result(dataset, tmp_path):
    """The leaderboard has its documented keys and order, and the experiment can be loaded."""
    board = run(TINY | {"seeds": 2}, dataset, tmp_path / "run")
    content = json.loads((tmp_path / "run" / "leaderboard.json").read_text())
    assert content["data"] == "strokes"
    assert content["noise"] == "gaussian(sigma=0.3)"
    assert [row["accuracy"] for row in content["rows"]] == sorted(
        (row["accuracy"] for row in content["rows"]), reverse=True
    )
    for row in content["rows"]:
        keys = {"model", "accuracy", "accuracy_ci95", "loss", "macro_f1", "ece", "n_parameters",
                "train_seconds", "runs"}  # fmt: skip
        assert keys <= set(row)
        assert [run["seed"] for run in row["runs"]] == [0, 1]
        assert row["accuracy"] == pytest.approx(np.mean([run["accuracy"] for run in row["runs"]]))
        assert row["accuracy_ci95"][0] < row["accuracy"] < row["accuracy_ci95"][1]
        given = [
            fit.probabilities for fit in board.outcome.fits if fit.model_spec.name == row["model"]
        ]
        right = sum(given).argmax(axis=1) == board.outcome.dataset.test.known_labels
        assert row["accuracy_averaged"] == pytest.approx(right.mean())
    assert "n = 2 seeds" in " ".join(content["comparisons"][0]["tests"])
    assert content["headline"] == board.headline()
    with (tmp_path / "run" / "leaderboard.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(line["accuracy"]) for line in table] == [
        row["accuracy"] for row in content["rows"]
    ]
    again = from_settings(read_toml(tmp_path / "run" / "experiment.toml"))
    assert again == board.outcome.experiment


def test_a_resumed_run_equals_an_uninterrupted_one(dataset, finished, tmp_path):
    """Ctrl-C in the second fit keeps the first; after resuming, every score is the same."""
    whole = finished[0].to_json()
    experiment = from_settings(TINY)
    digits = dataset(experiment)
    out = tmp_path / "cut"
    run_folder.claim_run(out, experiment, digits.fingerprints(), resume=False, overwrite=False)

    def stopping(title, number, of):
        def epoch(e):
            if number == 2 and e.number == 1:
                raise KeyboardInterrupt

        return Callback(on_epoch_end=epoch)

    cut = runner.run_experiment(experiment, digits, out, stopping)
    assert cut.interrupted
    part = leaderboard.build_leaderboard(cut)
    part.write(out)
    report.write_comparison_report(part, out)
    assert "interrupted" in (out / "report.html").read_text()
    assert not json.loads((out / "leaderboard.json").read_text())["complete"]
    resumed = run(TINY, dataset, out, resume=True).to_json()
    for a, b in zip(whole["rows"], resumed["rows"], strict=True):
        assert {k: v for k, v in a.items() if k not in ("train_seconds", "runs")} == {
            k: v for k, v in b.items() if k not in ("train_seconds", "runs")
        }
    assert not list(out.rglob("checkpoints"))


def test_a_finished_run_is_not_trained_again(dataset, finished, copied):
    """Resuming it reads its models: their files do not change, and the leaderboard is equal."""
    stamps = {p: p.stat().st_mtime_ns for p in copied.rglob("model.*")}
    assert run(TINY, dataset, copied, resume=True).to_json() == finished[0].to_json()
    assert {p: p.stat().st_mtime_ns for p in copied.rglob("model.*")} == stamps


def test_a_run_without_newer_recipe_keys_is_resumed(dataset, finished, copied):
    """A key that is missing in its file has the default value."""
    kept = copied / "experiment.toml"
    lines = kept.read_text().splitlines(keepends=True)
    older = [line for line in lines if not line.startswith(("outliers =", "calibration ="))]
    assert len(older) < len(lines)
    kept.write_text("".join(older))
    assert run(TINY, dataset, copied, resume=True).to_json() == finished[0].to_json()


def test_a_folder_is_not_overwritten_unasked(dataset, strokes, copied, tmp_path):
    """Other runs, other content and files are refused, and the message says what to do."""
    out = copied
    with pytest.raises(ValueError, match=r"already holds a run\. Add --resume"):
        run(TINY, dataset, out)
    with pytest.raises(
        ValueError,
        match=r"holds another run: noise 'gaussian\(sigma=0.3\)', now 'none'; models mlp\(hidden=\[8\]\), .*, now mlp",
    ):
        run(TINY | {"noise": "none", "models": ["mlp"]}, dataset, out, resume=True)

    def fewer(experiment):
        return split_source(experiment, Source(strokes.pick(np.arange(300), "s"), None, "strokes"))

    with pytest.raises(ValueError, match="holds another run: the digits of the data source differ"):
        run(TINY, fewer, out, resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    for flags in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(ValueError, match="is not empty and is not a run of inkfast"):
            run(TINY, dataset, tmp_path / "mine", **flags)
    with pytest.raises(ValueError, match="is a file"):
        run(TINY, dataset, tmp_path / "mine" / "thesis.tex")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"
    before = json.loads((out / "leaderboard.json").read_text())["rows"]
    run(TINY | {"seed": 5}, dataset, out, overwrite=True)
    assert json.loads((out / "leaderboard.json").read_text())["rows"] != before


def test_a_locked_folder_is_locked_under_every_path(tmp_path):
    """A symbolic link and a path with .. are the same folder."""
    (tmp_path / "w").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "w")
    with run_folder.run_lock(tmp_path / "w" / "a"):
        for other in (tmp_path / "link" / "a", tmp_path / "w" / ".." / "w" / "a"):
            with (
                pytest.raises(ValueError, match="another inkfast is running"),
                run_folder.run_lock(other),
            ):
                pass
        with run_folder.run_lock(tmp_path / "w" / "b"):
            pass


def test_without_a_writable_cache_nothing_is_locked(tmp_path, monkeypatch):
    """The run works without the lock."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with run_folder.run_lock(tmp_path / "run"), run_folder.run_lock(tmp_path / "run"):
        pass
    with pytest.raises(OSError, match="of the run"), run_folder.run_lock(tmp_path / "run"):
        raise OSError("of the run")


def test_an_output_path_with_a_null_character_is_refused(inkfast, tmp_path):
    """TOML can hold the character, paths cannot; the message is one line."""
    (tmp_path / "a.toml").write_text('out = "a\\u0000b"\ndata = "embedded"\n')
    code, _, err = inkfast("compare", tmp_path / "a.toml")
    assert code == 2
    assert "`out` must be text, got 'a\\x00b'" in err


def test_test_digits_are_cut_once_and_made_noisy_once(dataset, strokes):
    """Train and test share no row, and the noise of the test digits depends on the seed only."""
    numbered = strokes.images.copy()
    numbered[:, 0, 0], numbered[:, 0, 1] = np.arange(400) // 256, np.arange(400) % 256
    source = Source(Digits(numbered, strokes.labels, "numbered"), None, "numbered")
    digits = split_source(from_settings(TINY), source)
    rows = [{image.tobytes() for image in part.images} for part in (digits.train, digits.clean)]
    assert (len(rows[0]), len(rows[1]), len(rows[0] & rows[1])) == (320, 80, 0)
    again = split_source(from_settings(TINY), source)
    assert digits.fingerprints() == again.fingerprints()
    assert digits.test.fingerprint != digits.clean.fingerprint
    other = split_source(from_settings(TINY | {"seed": 1}), source)
    assert other.test.fingerprint != digits.test.fingerprint


def test_models_are_text_or_tables(tmp_path):
    """A table may have recipe keys of its own, and equal names are numbered."""
    path = tmp_path / "a.toml"
    path.write_text(
        'models = ["mlp", {model = "mlp", name = "slow", epochs = 9}, "mlp"]\n[recipe]\nepochs = 2\n'
    )
    specs = from_settings(read_toml(path)).models
    assert [model_spec.name for model_spec in specs] == ["mlp", "slow", "mlp (2)"]
    assert [model_spec.recipe.epochs for model_spec in specs] == [2, 9, 2]
    assert len({model_spec.slug for model_spec in specs}) == 3
    assert [e.name for e in from_settings({"models": "mlp(hidden=[64, 32]), cnn"}).models] == [
        "mlp(hidden=[64, 32])", "cnn",
    ]  # fmt: skip


def test_long_names_have_folders_of_their_own(tmp_path):
    """Names that differ late or not at all have different folders and can be loaded."""
    layers = ", ".join(["64"] * 20)
    alike = [f"mlp(hidden=[{layers}], dropout={share})" for share in (0.1, 0.2, 0.2)]
    longest = "x" * 200
    named = [{"model": "mlp", "name": longest}] * 12
    experiment = from_settings({"models": [*alike, *named, "mlp", "mlp"]})
    names = [model_spec.name for model_spec in experiment.models]
    assert names[:3] == [alike[0], f"2: {alike[1]}", f"3: {alike[2]}"]
    assert names[-2:] == ["mlp", "mlp (2)"]
    assert len({model_spec.slug for model_spec in experiment.models}) == len(names) == 17
    path = tmp_path / "a.toml"
    path.write_text(experiment.to_toml())
    assert from_settings(read_toml(path)) == experiment


def test_a_saved_experiment_has_every_key():
    """Its TOML has every key of the experiment and of each recipe."""
    content = tomllib.loads(from_settings({}).to_toml())
    assert set(content) == set(Experiment.__dataclass_fields__)
    assert content["models"][0]["optimiser"] == "adamw"


@pytest.mark.parametrize(("settings", "messages"), [
    ({"modles": ["mlp"]}, ["unknown key 'modles'. Did you mean 'models'?"]),
    ({"recipe": {"epoch": 3}}, ["unknown recipe key 'epoch'. Did you mean 'epochs'?"]),
    ({"recipe": {"epochs": "many"}}, ["`epochs` must be a whole number >= 1 and <= 100000, got 'many'"]),
    ({"recipe": 3}, ["`recipe` must be a table, got 3"]),
    ({"models": []}, ["`models` must name at least one model"]),
    ({"models": [3]}, ["`models` must list names such as 'cnn' or tables with a `model`, got 3"]),
    ({"models": ["ccn"]}, ["unknown model 'ccn'. Did you mean 'cnn'?"]),
    ({"noise": "frog"}, ["unknown noise 'frog'. Did you mean 'fog'?"]),
    ({"noise": 3}, ["`noise` must be text, got 3"]),
    ({"data": ""}, ["`data` must be text, got ''"]),
    ({"name": "../up"}, ["`name` must be 1 to 80 letters, digits, dots or dashes"]),
    ({"train_noise": "twice"}, ["`train_noise` must be one of 'fresh', 'once', 'none', got 'twice'"]),
    ({"seeds": 0}, ["`seeds` must be a whole number >= 1"]),
    ({"test_fraction": 1.5}, ["`test_fraction` must be a finite number > 0 and <= 0.9"]),
    ({"seeds": 0, "threads": -1, "modles": 1}, ["`seeds`", "`threads`", "unknown key 'modles'"]),
])  # fmt: skip
def test_every_fault_of_a_config_is_reported(settings, messages):
    """One error names every key with the values allowed and the value given."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is asserted below
        from_settings(settings)
    for message in messages:
        assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_report_is_self_contained(finished):
    """It has no script, no external address, every section and the scores of the leaderboard."""
    board, out = finished
    page = (out / "report.html").read_text()
    assert "<script" not in page
    addresses = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    assert "http" not in page.replace("http://www.w3.org/", "")
    for section in (
        "board",
        "noise",
        "curves",
        "mistakes",
        "confusion",
        "classes",
        "confidence",
        "again",
    ):
        assert f'<h2 id="{section}">' in page
    assert board.headline().split(",")[0] in page
    assert f"{100 * board.rows[0].mean('accuracy'):.2f}&thinsp;%" in page
    assert board.outcome.dataset.test.fingerprint in page


def test_a_small_test_part_still_has_a_report(dataset, strokes, tmp_path):
    """Two test digits of each class are enough for every section."""
    few = lambda e: split_source(e, Source(strokes.pick(np.arange(200), "s"), None, "s"))  # noqa: E731
    run(TINY | {"test_fraction": 0.1}, few, tmp_path / "run", page=True)
    assert (tmp_path / "run" / "report.html").read_text().count('class="sheet"') == 2


def test_a_changed_model_is_refused(dataset, copied):
    """A model of another fit and a damaged one are not taken for finished."""
    path = next(copied.glob("fits/mlp*/model.json"))
    content = path.read_text()
    path.write_text(content.replace('"seed": 0', '"seed": 7'))
    with pytest.raises(ValueError, match="holds another fit"):
        run(TINY, dataset, copied, resume=True)
    path.write_text("[]")
    with pytest.raises(ValueError, match="is damaged or was changed .* Delete it"):
        run(TINY, dataset, copied, resume=True)


@pytest.mark.parametrize("content", ["[]", '"kind"', "3"])
def test_a_tampered_data_file_is_one_line(dataset, tmp_path, content):
    """Anything but a JSON object is refused in one line."""
    (tmp_path / "experiment.toml").write_text("")
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(ValueError, match="data.json is damaged: expected a JSON object"):
        run_folder.load_models(tmp_path)
    with pytest.raises(ValueError, match="data.json is damaged: expected a JSON object"):
        load_run_data(from_settings(TINY), None, tmp_path)


def test_a_report_with_a_missing_score_is_refused(dataset, copied):
    """A report that would show NaN is not written."""
    board = run(TINY, dataset, copied, resume=True)
    (copied / "report.html").unlink()
    object.__setattr__(board.rows[0].scores[0], "ece", float("nan"))
    with pytest.raises(ValueError, match="no report: the ece of .* is missing"):
        report.write_comparison_report(board, copied)
    assert not (copied / "report.html").exists()


def test_seeds_missing_for_one_model_are_left_out(tmp_path, strokes):
    """If a fit is missing, the others are paired by seed."""
    settings = SMALL_TWO | {"seeds": 3}
    experiment = from_settings(settings)
    digits = split_source(experiment, Source(strokes, None, "strokes"))
    outcome = runner.run_experiment(experiment, digits, tmp_path)
    first = outcome.fits[0].model_spec
    lacking = [fit for fit in outcome.fits if (fit.model_spec, fit.trained.seed) != (first, 1)]
    board = leaderboard.build_leaderboard(dataclasses.replace(outcome, fits=lacking))
    assert [[fit.trained.seed for fit in row.fits] for row in board.rows] == [[0, 2], [0, 2]]


SMALL_TWO = {
    "noise": "none", "models": ["mlp(hidden=[4])", "mlp(hidden=[8])"], "threads": 1,
    "recipe": {"epochs": 1, "batch_size": 50, "min_epoch_images": 0},
}  # fmt: skip
