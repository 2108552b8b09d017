"""Tuning: search spaces, trials on validation rows, resumed and shared searches, figures."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

from inkfast import cli
from inkfast.core.digits import Source
from inkfast.core.errors import InkfastError
from inkfast.experiments import run_folder, tuning
from inkfast.experiments.config import Experiment
from inkfast.experiments.dataset import split_source
from inkfast.experiments.tuning.space import parse_space
from inkfast.report.figures import draw_fold_curves
from inkfast.report.tuning import draw_history, draw_parallel_coordinates
from inkfast.training import Callback, TrainedModel, loop

SETTINGS = {
    "name": "small", "data": "embedded", "noise": "none", "threads": 1,
    "models": ["mlp(hidden=[16])"],
    "recipe": {"epochs": 1, "min_epoch_images": 0, "batch_size": 50},
    "tune": {"trials": 4},
    "search": {
        "learning_rate": {"low": 1e-4, "high": 0.03, "log": True},
        "model": {"hidden": {"choices": [[8], [16, 8]]}},
    },
}  # fmt: skip


def search(strokes, out, *, storage="", **changes):
    plan = tuning.parse_search_plan(SETTINGS | changes)
    dataset = split_source(plan.experiment, Source(strokes, None, "strokes"))
    out.mkdir(exist_ok=True)
    return tuning.Search(plan, dataset, out, storage)


def test_a_search_returns_the_best_trial_and_its_model(strokes, tmp_path):
    """The best recipe has the highest validation accuracy; only its model is kept."""
    one = search(strokes, tmp_path)
    found = one.run()
    assert [row.number for row in found.trials] == [0, 1, 2, 3]
    values = {t.number: t.value for t in one.study.get_trials() if t.value is not None}
    assert values[found.finished[0].number] == max(values.values())
    assert len(values) >= 2
    best = one.best()
    values = found.finished[0].values
    assert best.models[0].recipe.learning_rate == values["learning_rate"]
    assert str(list(best.models[0].architecture.hidden)) == values["model.hidden"]
    assert [p.name for p in (tmp_path / "trials").iterdir() if p.is_dir()] == [
        f"best-{found.finished[0].number}"
    ]
    one.make_best_run(best)
    kept = TrainedModel.load(run_folder.fit_folder(tmp_path / "best", best.models[0], best.seed))
    assert kept.best.validation_accuracy == found.finished[0].accuracy
    assert kept.recipe == best.models[0].recipe


def test_the_same_seed_searches_the_same_values(strokes, tmp_path):
    """A repeated search tries the same values and measures the same accuracies."""
    two = {"tune": {"trials": 2}}
    runs = [search(strokes, tmp_path / name, **two).run() for name in ("a", "b")]
    assert [(r.values, r.accuracy) for r in runs[0].trials] == [
        (r.values, r.accuracy) for r in runs[1].trials
    ]
    other = search(strokes, tmp_path / "c", seed=1, tune={"trials": 1}).run()
    assert other.trials[0].values != runs[0].trials[0].values


def test_no_trial_sees_a_test_digit(strokes, tmp_path, monkeypatch):
    """Trials are trained on training rows and evaluated on validation rows cut from them."""
    seen = []
    original = Experiment.fit_spec

    def spy(self, *words):
        fit_spec = original(self, *words)
        seen.append(fit_spec.digits)
        return fit_spec

    monkeypatch.setattr(Experiment, "fit_spec", spy)
    one = search(strokes, tmp_path)
    one.run()
    assert len(one.dataset.train) + len(one.dataset.test) == len(strokes)
    assert [digits.fingerprint for digits in seen] == [one.dataset.train.fingerprint] * 4


def test_an_interrupted_search_is_resumed(strokes, tmp_path):
    """The interrupted trial's values are tried again; in the end there are as many as planned."""

    def interrupt(title, number, of):
        if number == 2:
            raise KeyboardInterrupt
        return Callback()

    cut = search(strokes, tmp_path).run(interrupt)
    assert cut.interrupted
    assert len(cut.trials) == 1
    one = search(strokes, tmp_path)
    given_up = [t.params for t in one.study.trials if t.state == optuna.trial.TrialState.FAIL]
    found = one.run()
    assert not found.interrupted
    assert len(found.trials) == 4
    assert len(given_up) == 1
    assert found.trials[1].values["learning_rate"] == given_up[0]["learning_rate"]


def test_a_trial_lost_in_a_power_cut_is_run_again(strokes, tmp_path):
    """A trial that this folder started and did not end does not count."""
    one = search(strokes, tmp_path)
    one._requeue_own_trials()
    next(one._jobs([]))
    assert len(search(strokes, tmp_path).run().trials) == 4


def test_running_trials_of_other_machines_count(strokes, tmp_path):
    """This machine runs one trial fewer for each of them."""
    storage = f"sqlite:///{tmp_path}/shared.db"
    other = search(strokes, tmp_path / "a", storage=storage)
    other._requeue_own_trials()
    next(other._jobs([]))
    here = search(strokes, tmp_path / "b", storage=storage)
    assert len(here.run().trials) == 3
    assert here.running_elsewhere() == 1
    assert other.running_elsewhere() == 0


def test_a_trial_with_conflicting_values_is_refused(strokes, tmp_path):
    """Values allowed separately and not together end the trial, not the search."""
    one = search(strokes, tmp_path, search={
        "model": {"choices": ["logistic", "knn"]},
        "class_weights": {"choices": ["none", "balanced"]},
    })  # fmt: skip
    one.study.enqueue_trial({"model": "knn", "class_weights": "balanced"})
    one.study.enqueue_trial({"model": "logistic", "class_weights": "balanced"})
    found = one.run()
    assert [row.end for row in found.trials[:2]] == ["refused", "finished"]
    assert len(found.trials) == 4
    assert found.trials[1].seconds > 0


def test_passwords_are_not_shown(strokes, tmp_path):
    """The URL of the storage is shown without its password."""
    with pytest.raises(InkfastError) as error:
        search(strokes, tmp_path, storage="postgresql://me:secret@127.0.0.1:9/x")
    assert "postgresql://me:***@127.0.0.1:9/x" in str(error.value)
    assert "secret" not in str(error.value)


def test_two_searches_share_a_storage(strokes, tmp_path):
    """Two machines on one storage share one search; the message about another one says what differs."""
    storage = f"sqlite:///{tmp_path}/shared.db"
    half = search(strokes, tmp_path / "a", storage=storage, tune={"trials": 2}).run()
    assert len(half.trials) == 2
    rest = search(strokes, tmp_path / "b", storage=storage)
    numbers = []
    rest.run(lambda title, number, of: numbers.append(title) or Callback())
    assert len(numbers) == 2
    for change, said in (
        (
            {"search": {"batch_size": {"choices": [9]}}},
            r"space of batch_size: none, now choices = \[9\]",
        ),
        ({"seed": 1}, "seed 0, now 1"),
        ({"noise": "blur"}, "noise 'none', now .blur"),
    ):
        with pytest.raises(
            InkfastError,
            match=f"already holds another search named small: .*{said}.* another --name",
        ):
            search(strokes, tmp_path / "c", storage=storage, **change)


def test_hopeless_trials_are_pruned(strokes, tmp_path):
    """After five trials, one below the median at its epoch is stopped and has no model."""
    rates = {"learning_rate": {"choices": [1e-2, 1e-7]}}
    one = search(strokes, tmp_path, search=rates, tune={"trials": 8},
                 recipe={**SETTINGS["recipe"], "epochs": 4})  # fmt: skip
    for rate in ["0.01"] * 6 + ["1e-07"] * 2:
        one.study.enqueue_trial({"learning_rate": rate})
    found = one.run()
    assert [row.end for row in found.trials[:5]] == ["finished"] * 5
    assert [row.end for row in found.trials[6:]] == ["pruned"] * 2
    assert all(row.epochs < 4 for row in found.trials[6:])


def test_a_diverging_trial_does_not_end_the_search(strokes, tmp_path, monkeypatch):
    """It counts as a trial with the end diverged."""
    original, losses = loop.evaluate_model, iter([(float("inf"), 0.1)])
    monkeypatch.setattr(
        loop, "evaluate_model", lambda *words: next(losses, None) or original(*words)
    )
    found = search(strokes, tmp_path).run()
    assert [row.end for row in found.trials] == ["diverged", *["finished"] * 3]


RANGE = {"low": 1, "high": 2}


@pytest.mark.parametrize(("changes", "message"), [
    ({"search": {}}, "`search` must be a table of at least one key"),
    ({"search": {"learning_rat": RANGE}}, "unknown search key 'learning_rat'. Did you mean 'learning_rate'"),
    ({"search": {"model.hiden": {"choices": [[8]]}}}, "key of model mlp 'hiden'. Did you mean 'hidden'"),
    ({"search": {"batch_size": 3}}, "search key `batch_size` must be { low ="),
    ({"search": {"batch_size": {"lo": 1, "high": 2}}}, "unknown entry of search key `batch_size` 'lo'"),
    ({"search": {"batch_size": {"low": 9, "high": 2}}}, "must have low < high"),
    ({"search": {"learning_rate": {"low": 0, "high": 2, "log": True}}}, "low > 0 where log is true"),
    ({"search": {"learning_rate": {"low": -1.0, "high": 1.0}}}, "search key `learning_rate`: `learning_rate` must be"),
    ({"search": {"optimiser": {"choices": ["adam", "adm"]}}}, "search key `optimiser`: .*got 'adm'"),
    ({"search": {"batch_size": {"low": 1, "high": 9, "step": 0.5}}}, "`batch_size.step` must be a whole number"),
    ({"search": {"batch_size": {"low": 10, "high": 20, "step": 3}}}, "`batch_size.step` must divide the range"),
    ({"search": {"learning_rate": {"low": 1e-4, "high": 1e-2, "step": 5}}}, "`learning_rate.step` must divide the range"),
    ({"search": {"ema": {"low": 0.0, "high": 0.5, "step": 1e-30}}}, "`ema.step` must divide the range"),
    ({"search": {"validation": {"low": 0.1, "high": 0.5}}}, "unknown search key 'validation'"),
    ({"search": {"validation_rows": {"choices": ["last"]}}}, "unknown search key 'validation_rows'"),
    ({"search": {"calibration": {"low": 0.1, "high": 0.5}}}, "unknown search key 'calibration'"),
    ({"models": ["mlp", "cnn"]}, "`models` must name one model to tune"),
    ({"tune": {"trails": 3}}, "unknown key of tune 'trails'. Did you mean 'trials'"),
    ({"tune": {"trials": 0}}, "`trials` must be a whole number >= 1"),
])  # fmt: skip
def test_bad_spaces_are_explained(changes, message):
    """One sentence names the key, the values allowed and the value given, before training."""
    with pytest.raises(InkfastError, match=message):
        tuning.parse_search_plan(SETTINGS | changes)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////no/such/folder/x.db", "oracle://h/x",
                                 "postgresql+psycopg2://127.0.0.1:9/x", "redis://x"])  # fmt: skip
def test_a_storage_that_does_not_answer_is_explained(strokes, tmp_path, url):
    """Errors of the database and its driver become one sentence with the URL."""
    with pytest.raises(InkfastError, match="`storage` .* cannot be used .*sqlite:///study.db"):
        search(strokes, tmp_path, storage=url)


def test_suggested_values_lie_in_the_range():
    """Integer ends give integers, choices give listed values, floats stay inside."""
    whole, real, listed = parse_space({
        "batch_size": {"low": 8, "high": 64, "step": 8},
        "ema": {"low": 0.0, "high": 0.9, "step": 0.3},  # 0.9 % 0.3 is not 0 in binary
        "model.hidden": {"choices": [[8], [8, 8]]},
    })  # fmt: skip
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        size = whole.suggest(trial)
        assert isinstance(size, int)
        assert size % 8 == 0
        assert 8 <= size <= 64
        assert 0 <= real.suggest(trial) <= 0.9
        assert listed.suggest(trial) in ((8,), (8, 8))


def test_from_the_command_line(tmp_path, capsys, monkeypatch):
    """One command writes the best recipe, a run of it on the test digits, and a report."""
    space = tmp_path / "space.toml"
    space.write_text(
        'data = "embedded"\nnoise = "none"\nmodels = ["mlp(hidden=[16])"]\n'
        "[recipe]\nepochs = 1\nmin_epoch_images = 0\n[search.learning_rate]\nlow = 0.001\nhigh = 0.03\n"
    )
    words = ["inkfast", "tune", str(space), "--trials", "4", "--threads", "1", "--out", "run"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = capsys.readouterr()
    assert end.value.code == 0, said.err
    assert "The best of 4 trials reads" in said.out
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 2
    tuned = json.loads(Path("run/tune.json").read_text())
    board = json.loads(Path("run/best/leaderboard.json").read_text())
    assert len(tuned["trials"]) == 4
    best = tuned["trials"][tuned["best"]]
    assert board["rows"][0]["runs"][0]["validation_accuracy"] == best["accuracy"]
    assert board["n_test"] == 360
    monkeypatch.setattr(sys, "argv", ["inkfast", "evaluate", "run"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "is a search: its best model is in run/best" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*words, "--resume"])  # nothing is left to do, and it says so
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert "already trained" in capsys.readouterr().out


def test_long_choices_are_wrapped_on_a_background():
    """Every word is drawn, and no line of a trial crosses it."""
    names = ["none", "translate(pixels=2, whole=True)", "rotate(degrees=10)"]
    rows = [
        tuning.TrialRow(i, "finished", 0.9 + i / 100, 1.0, 2, {"augment": name})
        for i, name in enumerate(names)
    ]
    drawn = draw_parallel_coordinates(rows[::-1], parse_space({"augment": {"choices": names}}))
    for text in ("translate(pixels=2", "whole=True)", "rotate(degrees=10)"):
        assert text in drawn
    assert "fill: var(--card)" in drawn


def test_axes_have_no_impossible_ticks():
    """A single epoch has one integer tick, and no share exceeds 100 %."""
    drawn = draw_fold_curves({"mlp": [[0.91], [1.0]]})
    assert re.findall(r"<text[^>]*>([\d.]+)</text>", drawn) == ["1"]
    assert max(map(int, re.findall(r">(\d+)%<", drawn))) == 100


def test_figures_of_a_search_show_its_extremes():
    """Best and worst accuracy, the ends of each range and pruned trials are labelled."""
    rows = [
        tuning.TrialRow(i, end, accuracy, 1.0, 2, {"learning_rate": rate})
        for i, (end, accuracy, rate) in enumerate(
            [("finished", 0.9, 0.01), ("pruned", float("nan"), 0.02), ("finished", 0.95, 0.1)]
        )
    ]
    assert "pruned" not in draw_history(rows)  # one without a figure has no place in the picture
    space = parse_space({"learning_rate": {"low": 0.01, "high": 0.1, "log": True}})
    drawn = draw_parallel_coordinates([rows[2], rows[0]], space)
    for text in ("95.00%", "90.00%", "0.01", "0.1", "learning"):
        assert text in drawn
    assert np.isnan(rows[1].accuracy)
