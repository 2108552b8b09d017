"""Fits on executors: the same bits everywhere, and nothing lost or trained twice."""

from __future__ import annotations

import dataclasses
import json
import os
import signal

import numpy as np
import pytest

from inkfast import models
from inkfast.core.errors import StoppedError
from inkfast.execution import SERIAL, parse_executor
from inkfast.training import Callback, TrainedModel, stacked
from tests.execution.fits import TellingFitJob, bits, fit_jobs
from tests.execution.squares import Witness, worker_processes


@pytest.fixture(scope="module")
def here(strokes, tmp_path_factory) -> list[str]:
    found, interrupted = SERIAL.run(fit_jobs(strokes, tmp_path_factory.mktemp("serial")), 3)
    assert not interrupted
    return bits(found)


def test_fits_differ_from_seed_to_seed(here):
    """Other seeds give other weights, so that equal bits below mean something."""
    assert len(set(here)) == 3


def test_local_processes_give_the_same_bits_though_one_is_killed(strokes, tmp_path, here):
    """A killed fit is resumed; every fit ends once, with the bits of one process.

    It is killed while it waits for the reply to its epoch, so it cannot have ended.
    """
    killed = []

    def kill(title, said):
        if title == "seed 1" and not killed:
            killed.append(int(said[0].removeprefix("process ")))
            os.kill(killed[0], signal.SIGKILL)

    witness = Witness(kill)
    found, interrupted = parse_executor("local:2").run(
        fit_jobs(strokes, tmp_path, seeds=2, kind=TellingFitJob), 2, witness
    )
    assert len(killed) == 1
    assert not interrupted
    assert bits(found) == here[:2]
    assert witness.begun == [(f"seed {i}", i + 1, 2) for i in range(2)]
    assert "its process was lost; starting it again" in witness.by_title["seed 1"]
    assert not worker_processes()
    assert sorted(path.name for path in tmp_path.glob("*/*")) == sorted(
        ["model.json", "model.safetensors"] * 2
    )


def test_a_cluster_gives_the_same_bits(strokes, tmp_path, here, ray_executor):
    """Models from a cluster have the same bits and are stored in their folders, without checkpoints."""
    found, _ = ray_executor.run(fit_jobs(strokes, tmp_path), 3)
    assert bits(found) == here
    assert bits([TrainedModel.load(tmp_path / str(seed)) for seed in range(3)]) == here
    assert sorted(path.name for path in tmp_path.glob("*/*")) == sorted(
        ["model.json", "model.safetensors"] * 3
    )


def test_what_is_finished_is_not_trained_again(strokes, tmp_path, here):
    """A second sweep over the same folders loads the models and trains nothing."""
    SERIAL.run(fit_jobs(strokes, tmp_path), 3)
    witness = Witness()
    found, _ = parse_executor("local:2").run(fit_jobs(strokes, tmp_path), 3, witness)
    assert bits(found) == here
    assert witness.said == ["already trained"] * 3
    assert witness.epochs == []


@pytest.mark.parametrize("where", ["serial", "stacked"])
def test_a_fit_stops_when_its_callback_says_so(strokes, tmp_path, where):
    """A fit stops after an epoch for which `should_stop` is true, and leaves no model."""
    callback = Callback(should_stop=lambda epoch: epoch.number == 2)
    found, _ = parse_executor(where).run(
        fit_jobs(strokes, tmp_path, seeds=1), 1, lambda *_: callback
    )
    assert isinstance(found[0], StoppedError)
    assert str(found[0]) == "stopped after epoch 2"
    assert not (tmp_path / "0" / "model.json").exists()


def test_equal_jobs_are_trained_together_and_the_rest_alone(strokes, tmp_path, monkeypatch):
    """Equal networks step together, other networks and baselines alone; each job ends once."""
    given = fit_jobs(strokes, tmp_path / "stacked", seeds=4)
    for number, name in ((1, "logistic"), (3, "lenet5")):
        fit_spec = dataclasses.replace(
            given[number].fit_spec, architecture=models.build_model(name)
        )
        given[number] = dataclasses.replace(given[number], fit_spec=fit_spec)
    steps, step = [], stacked._Stack.step
    monkeypatch.setattr(
        stacked._Stack, "step", lambda self, b: (steps.append(len(b)), step(self, b))
    )
    alone = [
        dataclasses.replace(job, folder=tmp_path / "serial" / job.folder.name) for job in given
    ]
    one_by_one, _ = SERIAL.run(alone, 4)
    assert steps == []
    witness = Witness()
    found, interrupted = parse_executor("stacked:3").run(iter(given), 4, witness)
    assert not interrupted
    assert set(steps) == {2}
    assert witness.begun == [(f"seed {i}", i + 1, 4) for i in range(4)]
    for mine, theirs, job in zip(found, one_by_one, given, strict=True):
        assert [e.number for e in mine.history] == [e.number for e in theirs.history]
        assert mine.best.validation_loss == pytest.approx(theirs.best.validation_loss, rel=0.02)
        assert bits([TrainedModel.load(job.folder)]) == bits([mine])
        assert sorted(path.name for path in job.folder.iterdir()) == [
            "model.json", "model.safetensors",
        ]  # fmt: skip
    assert bits(found[3:]) == bits(one_by_one[3:])  # what has none like it is as alone to the bit
    again = Witness()
    parse_executor("stacked").run(given, 4, again)
    assert again.said == ["already trained"] * 4


def test_ctrl_c_ends_stacked_fits(strokes, tmp_path):
    """Ctrl-C returns finished fits; the others resume from their checkpoints."""

    def interrupt(title, number, of):
        def should_stop(epoch):
            if number == 2 and epoch.number == 2:
                raise KeyboardInterrupt
            return False

        return Callback(should_stop=should_stop)

    given = (
        fit_jobs(strokes, tmp_path, seeds=1, epochs=1) + fit_jobs(strokes, tmp_path, seeds=3)[1:]
    )
    found, interrupted = parse_executor("stacked").run(given, 3, interrupt)
    assert interrupted
    assert [isinstance(result, TrainedModel) for result in found] == [True, False, False]
    witness = Witness()
    found, interrupted = parse_executor("stacked").run(given, 3, witness)
    assert not interrupted
    assert all(isinstance(result, TrainedModel) for result in found)
    assert sum(sentence.startswith("resumed after") for sentence in witness.said) == 2


@pytest.mark.parametrize("command", ["compare", "validate"])
def test_a_stacked_run_has_the_results_of_a_serial_one(strokes, tmp_path, inkfast, command):
    """Stacked and serial runs write the same JSON fields and similar accuracies."""
    np.savez(tmp_path / "digits.npz", images=strokes.images, labels=strokes.labels)
    often = ["--seeds", "2"] if command == "compare" else ["--folds", "3"]
    found = []
    for where in ("serial", "stacked"):
        words = ["--data", tmp_path / "digits.npz", "--models", "mlp(hidden=[16])", "--models",
                 "logistic", "--noise", "none", "--epochs", "4", "--executor", where,
                 "--set", "min_epoch_images=0", "--set", "batch_size=50"]  # fmt: skip
        code, _, errors = inkfast(command, *words, *often, "--out", tmp_path / where)
        assert code == 0, errors
        name = {"compare": "leaderboard.json", "validate": "validation.json"}[command]
        found.append(json.loads((tmp_path / where / name).read_text()))
    assert fields(found[0]) == fields(found[1])
    rows = [{row["model"]: row["accuracy"] for row in one["rows"]} for one in found]
    assert rows[0] == pytest.approx(rows[1], abs=0.05)


def fields(value):
    """Return JSON without its values."""
    if isinstance(value, dict):
        return {key: fields(v) for key, v in value.items()}
    return [fields(v) for v in value] if isinstance(value, list) else None
