"""Run folders: claimed, resumed, refused with what differs, and read in an older format."""

from __future__ import annotations

import json

import pytest

from inkfast.core.errors import InkfastError
from inkfast.experiments import run_folder, tuning
from inkfast.experiments.config import from_settings
from inkfast.experiments.run_folder import claim_run, load_experiment, load_models
from inkfast.experiments.tuning.search import search_identity
from inkfast.training import TrainedModel

SETTINGS = {"models": ["mlp", "cnn"], "threads": 1, "recipe": {"epochs": 3}}
DIGITS = {"whole": "a", "train": "b", "test": "c", "noisy_test": "d"}


def claim(out, settings=SETTINGS, identity=DIGITS, **flags):
    flags = {"resume": False, "overwrite": False} | flags
    claim_run(out, from_settings(settings), identity, **flags)


def refusal(out, settings=SETTINGS, identity=DIGITS, **flags) -> str:
    """Return the message with which resuming a run is refused."""
    with pytest.raises(InkfastError) as error:
        claim(out, settings, identity, **({"resume": True} | flags))
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("change", "said"), [
    ({"seed": 4}, "seed 0, now 4"),
    ({"recipe": {"epochs": 5}}, "epochs 3, now 5"),
    ({"models": ["mlp"]}, "models mlp, cnn, now mlp"),
    ({"models": ["mlp", {"model": "cnn", "epochs": 9}]}, "epochs of cnn 3, now 9"),
    ({"noise": "none", "seeds": 2}, "noise 'noisy-mnist', now 'none'"),
    ({"noise": "none", "seeds": 2}, "now 'none'; seeds 1, now 2"),
])  # fmt: skip
def test_a_changed_setting_is_named_with_both_values(tmp_path, change, said):
    """Every changed key is listed with its former and its present value."""
    claim(tmp_path / "run")
    message = refusal(tmp_path / "run", SETTINGS | change)
    assert "holds another run: " in message
    assert said in message
    assert "--out DIR" in message


def test_changed_digits_are_named(tmp_path):
    """The message tells other source digits from another cut and from other noise."""
    claim(tmp_path / "run")
    for changes, said in (
        ({"whole": "x", "train": "x"}, ": the digits of the data source differ."),
        ({"train": "x"}, ": the training digits differ."),
        (
            {"test": "x", "noisy_test": "x"},
            ": the test digits differ; the noisy test digits differ.",
        ),
    ):
        assert said in refusal(tmp_path / "run", identity=DIGITS | changes)


def test_digits_that_follow_a_changed_setting_are_not_listed(tmp_path):
    """Another seed makes another test part: the seed alone is named."""
    claim(tmp_path / "run")
    message = refusal(tmp_path / "run", SETTINGS | {"seed": 1}, DIGITS | {"test": "x"})
    assert "seed 0, now 1" in message
    assert "digits differ" not in message


def test_a_run_of_another_kind_is_named(tmp_path):
    """A cross-validation and a search are not resumed as a comparison."""
    for kind, words in (("cross-validation", "a cross-validation"), ("tuning", "a search")):
        claim(tmp_path / kind, identity={"kind": kind, "whole": "a"})
        assert f"holds {words}, not a comparison" in refusal(tmp_path / kind)


def test_a_changed_search_space_is_named(tmp_path):
    """Changed, new and dropped search keys are listed with their ranges."""
    space = {"learning_rate": "low = 0.1, high = 1.0", "ema": "low = 0.0, high = 0.9"}
    other = {"learning_rate": "low = 0.1, high = 2.0", "epochs": "choices = [1, 2]"}
    claim(tmp_path / "run", identity={"kind": "tuning", "space": space, "whole": "a"})
    message = refusal(tmp_path / "run", identity={"kind": "tuning", "space": other, "whole": "a"})
    assert (
        "search space of learning_rate: low = 0.1, high = 1.0, now low = 0.1, high = 2.0" in message
    )
    assert "search space of ema: low = 0.0, high = 0.9, now none" in message
    assert "search space of epochs: none, now choices = [1, 2]" in message


def test_a_search_is_identified_by_its_space(dataset):
    """The identity holds each search key's range as TOML has it."""
    plan = tuning.parse_search_plan({
        "models": ["mlp"], "data": "strokes",
        "search": {
            "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
            "batch_size": {"low": 8, "high": 64, "step": 8},
            "model.hidden": {"choices": [[8], [8, 8]]},
        },
    })  # fmt: skip
    identity = search_identity(plan, dataset(plan.experiment))
    assert identity["kind"] == "tuning"
    assert identity["space"] == {
        "learning_rate": "low = 0.0001, high = 0.1, log = true",
        "batch_size": "low = 8, high = 64, step = 8",
        "model.hidden": "choices = [[8], [8, 8]]",
    }


def test_another_number_of_threads_is_refused_with_the_first(tmp_path):
    """Bits depend on the number of threads, so the message says how to resume with the same."""
    claim(tmp_path / "two", SETTINGS | {"threads": 2})
    assert "(2, now 1), on which bits depend. Resume it with --threads 2." in refusal(
        tmp_path / "two"
    )
    claim(tmp_path / "timed", SETTINGS | {"threads": 0})
    assert "(timed, now 1)" in refusal(tmp_path / "timed")


def test_a_folder_of_a_newer_format_is_refused(tmp_path):
    """It is neither read, resumed nor overwritten."""
    out = tmp_path / "run"
    claim(out)
    data = out / run_folder.DATA
    data.write_text(json.dumps(json.loads(data.read_text()) | {"format": 3}))
    before = {path: path.read_bytes() for path in out.iterdir()}
    for refused in (
        lambda: load_models(out),
        lambda: load_experiment(out),
        lambda: claim(out, resume=True),
        lambda: claim(out, overwrite=True),
    ):
        with pytest.raises(
            InkfastError, match=r"a newer inkfast wrote .* format 2 or older, got 3"
        ):
            refused()
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_a_folder_of_format_1_is_read_and_resumed(tmp_path, dataset, tiny_run):
    """It has no version and calls `synthetic` "written", in models and in its data source."""
    out = tmp_path / "run"
    experiment, fit_folder = tiny_run(out)
    data = json.loads((out / run_folder.DATA).read_text())
    assert data.pop("format") == 2
    assert data.pop("kind") == "comparison"
    (out / run_folder.DATA).write_text(json.dumps(data))
    for path in (out / run_folder.EXPERIMENT, fit_folder / "model.json"):
        assert "synthetic" in path.read_text()
        path.write_text(path.read_text().replace("synthetic", "written"))
    assert load_experiment(out) == experiment
    assert isinstance(load_models(out)[1][0][1], TrainedModel)
    claim_run(out, experiment, dataset(experiment).fingerprints(), resume=True, overwrite=False)


def test_noises_of_format_1_are_translated(tmp_path):
    """MNIST-C's severities were called steps, in the noise of a run and in its augmentation."""
    now = "mnist-c-fog(severity=2)"
    settings = {"models": ["mlp"], "noise": now, "recipe": {"augment": now}}
    claim(tmp_path / "run", settings)
    path = tmp_path / "run" / run_folder.EXPERIMENT
    assert path.read_text().count(now) == 2
    path.write_text(path.read_text().replace(now, "mnist-c-fog(step=2)"))
    assert load_experiment(tmp_path / "run") == from_settings(settings)


def test_a_run_killed_between_its_first_two_files_is_resumed(tmp_path):
    """The missing file is written then."""
    claim(tmp_path / "run")
    kept = (tmp_path / "run" / run_folder.DATA).read_text()
    (tmp_path / "run" / run_folder.DATA).unlink()
    claim(tmp_path / "run", resume=True)
    assert (tmp_path / "run" / run_folder.DATA).read_text() == kept


def test_clearing_deletes_a_run_and_nothing_else(tmp_path):
    """Every file of every command goes; what somebody else put there stays."""
    claim(tmp_path)
    for file in run_folder.RUN.files[2:]:
        (tmp_path / file).write_text("old")
    for folder in run_folder.RUN.folders:
        (tmp_path / folder / "x").mkdir(parents=True)
    (tmp_path / "thesis.tex").write_text("mine")
    claim(tmp_path, overwrite=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"thesis.tex", run_folder.EXPERIMENT, run_folder.DATA}
