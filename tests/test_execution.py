"""Executors: the same bits everywhere, and nothing lost or doubled when a worker dies."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from inkfast import execution, models, noise
from inkfast.core.errors import InkfastError, StoppedError
from inkfast.execution import FitJob, SweepObserver, process_pool
from inkfast.training import Callback, FitSpec, TrainedModel, resolve_recipe, stacked

EPOCHS = 3


def jobs(digits, out: Path, seeds: int = 3, **recipe) -> list[FitJob]:
    """Small fits that differ in their seed."""

    def make(seed: int) -> FitSpec:
        architecture = models.build_model("mlp(hidden=[16], dropout=0.2)")
        settings = {"epochs": EPOCHS, "min_epoch_images": 0, "batch_size": 50} | recipe
        return FitSpec(
            architecture=architecture, recipe=resolve_recipe(architecture.recipe, settings),
            digits=digits, noise=noise.build_noise("rotate(degrees=20)"), seed=seed, threads=1,
        )  # fmt: skip

    return [
        FitJob(title=f"seed {seed}", folder=out / str(seed), fit_spec=make(seed))
        for seed in range(seeds)
    ]


def bits(results) -> list[str]:
    return [str(sorted((k, v.tolist()) for k, v in r.model.state_dict().items())) for r in results]


@pytest.fixture(scope="module")
def here(strokes, tmp_path_factory) -> list[str]:
    found, interrupted = execution.SERIAL.run(jobs(strokes, tmp_path_factory.mktemp("serial")), 3)
    assert not interrupted
    return bits(found)


class Witness:
    """An observer that notes what it is told and may do something at the first epoch."""

    def __init__(self, at_first_epoch=lambda: None):
        self.begun, self.epochs, self.said = [], [], []
        self.at_first_epoch = at_first_epoch

    def observer(self) -> SweepObserver:  # noqa: D102 - its name says it
        return SweepObserver(on_fit_start=self._fit)

    def _fit(self, title, number, of):
        self.begun.append((title, number, of))
        return Callback(on_epoch_end=lambda e: self._epoch(title, e), on_message=self.said.append)

    def _epoch(self, title, epoch):
        self.epochs.append((title, epoch.number))
        if len(self.epochs) == 1:
            self.at_first_epoch()


def test_fits_differ_from_seed_to_seed(here):
    """The comparison of bits below means something."""
    assert len(set(here)) == 3


def test_local_processes_give_the_same_bits_though_one_is_killed(strokes, tmp_path, here):
    """A killed worker's fit is taken up again; every fit ends once, with the bits it has here."""
    killed = []

    def kill():
        victim = multiprocessing.active_children()[0]
        os.kill(victim.pid, signal.SIGKILL)
        killed.append(victim.pid)

    witness = Witness(kill)
    found, interrupted = execution.parse_executor("local:2").run(
        jobs(strokes, tmp_path), 3, witness.observer()
    )
    assert len(killed) == 1
    assert not interrupted
    assert bits(found) == here
    assert witness.begun == [(f"seed {i}", i + 1, 3) for i in range(3)]
    assert any("was lost; starting it again" in sentence for sentence in witness.said)
    assert not multiprocessing.active_children()
    assert sorted(path.name for path in tmp_path.glob("*/*")) == sorted(
        ["model.json", "model.safetensors"] * 3
    )


def test_what_is_finished_is_not_trained_again(strokes, tmp_path, here):
    """A second sweep over the same folders starts no process at all."""
    execution.SERIAL.run(jobs(strokes, tmp_path), 3)
    witness = Witness()
    found, _ = execution.parse_executor("local:2").run(
        jobs(strokes, tmp_path), 3, witness.observer()
    )
    assert bits(found) == here
    assert witness.said == ["already trained"] * 3
    assert witness.epochs == []


@pytest.mark.parametrize("where", ["serial", "local:1", "stacked"])
def test_a_fit_ends_when_its_watch_has_had_enough(strokes, tmp_path, where):
    """The reply to an epoch reaches the fit, wherever it runs; no model is left."""
    callback = Callback(should_stop=lambda epoch: epoch.number == 2)
    found, _ = execution.parse_executor(where).run(
        jobs(strokes, tmp_path, seeds=1), 1, SweepObserver(on_fit_start=lambda *_: callback)
    )
    assert isinstance(found[0], StoppedError)
    assert str(found[0]) == "stopped after epoch 2"
    assert not (tmp_path / "0" / "model.json").exists()


def test_a_fault_in_a_worker_is_raised_where_the_sweep_began(strokes, tmp_path):
    """A worker's own error comes back as itself, not as a lost process."""
    found = jobs(strokes.pick(strokes.labels.argsort()[:40], "zeros"), tmp_path, seeds=1,
                 balance="smote")  # fmt: skip
    with pytest.raises(InkfastError, match="SMOTE|smote|class"):
        execution.parse_executor("local:1").run(found, 1)


def test_a_fit_that_always_kills_its_worker_is_given_up(strokes, tmp_path):
    """After three lost processes the sweep ends with a sentence; it does not go on for ever."""
    witness = Callback(on_epoch_end=lambda _: os.kill(multiprocessing.active_children()[0].pid, 9))
    found = jobs(strokes, tmp_path, seeds=1, epochs=9)
    with pytest.raises(
        InkfastError, match="seed 0: its process was lost 3 times.*--executor serial"
    ):
        execution.parse_executor("local:1").run(
            found, 1, SweepObserver(on_fit_start=lambda *_: witness)
        )
    assert process_pool.ATTEMPTS == 3


def test_interrupted_sweeps_return_what_is_finished(strokes, tmp_path):
    """Ctrl-C ends a local sweep: no process is left, finished fits are returned."""

    def interrupt(title, number, of):
        if number == 3:
            raise KeyboardInterrupt
        return Callback()

    found, interrupted = execution.parse_executor("local:1").run(
        jobs(strokes, tmp_path), 3, SweepObserver(on_fit_start=interrupt)
    )
    assert interrupted
    assert [isinstance(result, TrainedModel) for result in found] == [True, True, False]
    assert not multiprocessing.active_children()


def test_equal_jobs_are_trained_together_and_the_rest_alone(strokes, tmp_path, monkeypatch):
    """Of other networks and a baseline between them, each job ends once, as it does here."""
    given = jobs(strokes, tmp_path / "stacked", seeds=4)
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
    one_by_one, _ = execution.SERIAL.run(alone, 4)
    assert steps == []
    witness = Witness()
    found, interrupted = execution.parse_executor("stacked:3").run(
        iter(given), 4, witness.observer()
    )
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
    execution.parse_executor("stacked").run(given, 4, again.observer())
    assert again.said == ["already trained"] * 4


def test_ctrl_c_ends_fits_side_by_side(strokes, tmp_path):
    """What is finished is returned; the others go on from their checkpoints."""

    def interrupt(title, number, of):
        def should_stop(epoch):
            if number == 2 and epoch.number == 2:
                raise KeyboardInterrupt
            return False

        return Callback(should_stop=should_stop)

    given = jobs(strokes, tmp_path, seeds=1, epochs=1) + jobs(strokes, tmp_path, seeds=3)[1:]
    found, interrupted = execution.parse_executor("stacked").run(
        given, 3, SweepObserver(on_fit_start=interrupt)
    )
    assert interrupted
    assert [isinstance(result, TrainedModel) for result in found] == [True, False, False]
    witness = Witness()
    found, interrupted = execution.parse_executor("stacked").run(given, 3, witness.observer())
    assert not interrupted
    assert all(isinstance(result, TrainedModel) for result in found)
    assert sum(sentence.startswith("going on after") for sentence in witness.said) == 2


@pytest.mark.parametrize(("text", "kind"), [
    ("serial", "serial"), ("stacked", "stacked"), ("stacked:16", "stacked"), ("local:3", "local"), ("local", "local"), ("ray", "ray"),
    ("ray:head.example:6379", "ray"),
])  # fmt: skip
def test_engines_by_name(text, kind):
    """Every documented word stands for an executor."""
    assert execution.parse_executor(text).kind == kind


@pytest.mark.parametrize(
    "text",
    ["stacked:0", "stacked:x", "local:0", "local:-1", "local:x", "ray:", "ray:host", "spark", ""],
)
def test_unknown_engines_are_explained(text):
    """One sentence lists what may be given."""
    with pytest.raises(
        InkfastError,
        match="`executor` must be serial, stacked:N .* local:N .* ray or ray:HOST:PORT",
    ):
        execution.parse_executor(text)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_no_cluster_and_no_token_are_explained(monkeypatch):
    """An address where nothing listens, or a shell without a token, is one sentence."""
    pytest.importorskip("ray")
    asked = execution.parse_executor(f"ray:127.0.0.1:{free_port()}")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(InkfastError, match="with a token alone: set RAY_AUTH_MODE=token"):
        asked.open().__enter__()
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    with pytest.raises(
        InkfastError, match="no Ray cluster answers at 127.0.0.1:.*ray start --head"
    ):
        asked.open().__enter__()


TOKEN = "a-token-for-this-test-only-0123456789"  # noqa: S105 - of a cluster that ends with it
DRIVER = """
import os, signal, sys
from inkfast import execution
from inkfast.core.errors import InkfastError
from tests import test_execution as t
from tests.conftest import make_strokes
from pathlib import Path
address, out, node = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
def kill():
    print("cores", where_cores(), flush=True)
    node and os.killpg(node, signal.SIGKILL)
def where_cores():
    import ray
    return ray.cluster_resources().get("CPU")
witness = t.Witness(kill)
try:
    where = execution.parse_executor(f"ray:{address}")
    with where.open():
        where.run(t.jobs(make_strokes(), out), 3, witness.observer())
except InkfastError as error:
    sys.exit(f"refused: {error}")
print(len(witness.epochs) > 0, witness.begun)
"""


@pytest.fixture
def two_nodes(tmp_path):
    """A head and a worker of one core each, as docs/cluster.md starts them; the worker's group."""
    pytest.importorskip("ray")
    root = Path(__file__).parents[1]
    place = f"{root / 'src'}{os.pathsep}{root}"
    shell = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN, "PYTHONPATH": place}
    place = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    shell |= {"RAY_TMPDIR": place}
    ray = [str(Path(sys.executable).parent / "ray"), "start", "--num-cpus=1", "--block",
           "--node-ip-address=127.0.0.1", "--disable-usage-stats"]  # fmt: skip
    address = f"127.0.0.1:{free_port()}"
    head = [*ray, "--head", "--include-dashboard=false", f"--port={address.rpartition(':')[2]}"]
    started = []

    def start(words):
        with open(tmp_path / f"ray{len(started)}.txt", "wb") as log:
            started.append(
                subprocess.Popen(words, env=shell, stdout=log, stderr=log, start_new_session=True)
            )
        return started[-1].pid

    start(head)
    worker = start([*ray, f"--address={address}"])
    try:
        yield address, worker, shell
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(place, ignore_errors=True)


def test_a_cluster_gives_the_same_bits_though_a_node_is_killed(two_nodes, tmp_path, here):
    """Of two nodes one dies at the first epoch: nothing is lost, nothing doubled; no token, no entry."""
    address, worker, shell = two_nodes
    out = tmp_path / "fits"
    drive = [sys.executable, "-c", DRIVER, address, str(out)]
    wrong = subprocess.run(
        [*drive, "0"], env={**shell, "RAY_AUTH_TOKEN": "another" + TOKEN}, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "refused: no Ray cluster at" in wrong.stderr
    assert "oken" in wrong.stderr
    done = subprocess.run(
        [*drive, str(worker)], env=shell, capture_output=True, text=True, timeout=200, check=False
    )
    assert "cores 2.0" in done.stdout  # both nodes were there when one was killed
    assert done.stdout.splitlines()[-1].startswith("True"), done.stderr
    found = [TrainedModel.load(out / str(seed)) for seed in range(3)]
    assert bits(found) == here
    assert done.stdout.splitlines()[-1].count("'seed ") == 3


@pytest.mark.parametrize("command", ["compare", "validate"])
def test_a_run_together_has_the_figures_of_one_here(strokes, tmp_path, inkfast, command):
    """Whatever the executor, the same fits have the same fields, and accuracies that are close."""
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
