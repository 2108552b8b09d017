"""A Ray cluster: the same bits though a node is killed, and no entry without a token."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from inkfast import execution
from inkfast.core.errors import InkfastError
from inkfast.execution import ray_cluster
from inkfast.training import TrainedModel
from tests.execution.fits import bits, fit_jobs


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
import os, ray, signal, sys
from inkfast import execution
from inkfast.core.errors import InkfastError
from tests.execution import fits, squares
from tests.conftest import make_strokes
from pathlib import Path
address, out, node = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
def kill(title, said):
    if len(witness.epochs) == 1:
        print("cores", ray.cluster_resources().get("CPU"), flush=True)
        os.killpg(node, signal.SIGKILL)
witness = squares.Witness(kill)
try:
    where = execution.parse_executor(f"ray:{address}")
    with where.open():
        where.run(fits.fit_jobs(make_strokes(), out), 3, witness)
except InkfastError as error:
    sys.exit(f"refused: {error}")
print(len(witness.epochs) > 0, witness.begun)
"""


@pytest.fixture
def two_nodes(tmp_path):
    """A head and a worker of one core each, as docs/cluster.md starts them; the worker's group."""
    pytest.importorskip("ray")
    root = Path(__file__).parents[2]
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


@pytest.mark.slow
def test_a_cluster_gives_the_same_bits_though_a_node_is_killed(two_nodes, strokes, tmp_path):
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
    expected, _ = execution.SERIAL.run(fit_jobs(strokes, tmp_path / "serial"), 3)
    assert bits(found) == bits(expected)
    assert done.stdout.splitlines()[-1].count("'seed ") == 3


def test_an_actor_can_be_made_again(monkeypatch):
    """It is made without arguments, and fetches function and state with its first item."""
    ray = pytest.importorskip("ray")
    fetched = []
    monkeypatch.setattr(ray, "get", lambda where: fetched.append(where) or where)
    actor = ray_cluster._CallActor()
    where = [(pow, 2)]
    assert [actor.call(where, item) for item in (3, 4)] == [(8, None), (16, None)]
    assert fetched == [where]
