"""A Ray cluster of two nodes: nothing is lost when one is killed; no entry without a token."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from inkfast import execution
from inkfast.core.errors import InkfastError
from inkfast.execution import ray_cluster
from tests.inference.makers import bars, write_pictures


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def test_no_cluster_and_no_token_are_explained(monkeypatch):
    """An address where nothing listens, and a missing token, give an error in one sentence."""
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


def wait_for_port(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


TOKEN = "a-token-for-this-test-only-0123456789"  # noqa: S105 - of a cluster that ends with it
DRIVER = """
import os, signal, sys, time
from pathlib import Path
import ray
from inkfast import execution
from inkfast.core.errors import InkfastError
from tests.execution.squares import SquareJob, Witness
address, out, node = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
killed = []
def runs_on_node(pid):
    while pid > 1 and pid != node:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == node
def kill(title, said):
    if not killed and runs_on_node(witness.epochs[-1][1][1]):
        killed.append(title)
        os.killpg(node, signal.SIGKILL)
witness = Witness(kill)
jobs = [SquareJob(out / str(value), value, epochs=2000) for value in (3, 4, 5)]
try:
    where = execution.parse_executor(f"ray:{address}")
    with where.open():
        while ray.cluster_resources().get("CPU") != 2:  # until the second node has joined
            time.sleep(0.1)
        found, _ = where.run(jobs, 3, witness)
except InkfastError as error:
    sys.exit(f"refused: {error}")
epochs = [epoch for title, (epoch, _) in witness.epochs if title == killed[0]]
print(found, len(witness.begun), len(killed), epochs.count(1), epochs.count(2000))
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
    try:
        wait_for_port(int(address.rpartition(":")[2]))
        worker = start([*ray, f"--address={address}"])
        yield address, worker, shell
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(place, ignore_errors=True)


@pytest.mark.slow
def test_nothing_is_lost_when_a_node_is_killed(two_nodes, tmp_path):
    """A job whose node is killed runs again on the other one; a wrong token is refused."""
    address, worker, shell = two_nodes
    drive = [sys.executable, "-c", DRIVER, address, str(tmp_path / "jobs")]
    wrong = subprocess.run(
        [*drive, "0"], env={**shell, "RAY_AUTH_TOKEN": "another" + TOKEN}, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "refused: no Ray cluster at" in wrong.stderr
    assert "oken" in wrong.stderr
    predict_on(address, shell, tmp_path)
    done = subprocess.run(
        [*drive, str(worker)], env=shell, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["[9, 16, 25] 3 1 2 1"], done.stderr


def predict_on(address: str, shell: dict[str, str], folder: Path) -> None:
    """Check that the cluster and one process write the same bytes, without warnings of Ray."""
    pictures = write_pictures(folder / "in", bars(12))
    (pictures / "004.png").write_bytes(b"junk")
    program = [sys.executable, "-m", "inkfast", "predict", str(pictures)]
    for executor in ("serial", f"ray:{address}"):
        to = folder / f"{executor.partition(':')[0]}.csv"
        done = subprocess.run(
            [*program, "--executor", executor, "--to", str(to)], env=shell, capture_output=True,
            text=True, timeout=100, check=False,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr  # one image cannot be read
        assert "max_restarts" not in done.stderr
    assert (folder / "ray.csv").read_bytes() == (folder / "serial.csv").read_bytes()


def test_an_actor_can_be_made_again(monkeypatch):
    """An actor needs no arguments, and fetches function and state with its first item."""
    ray = pytest.importorskip("ray")
    fetched = []
    monkeypatch.setattr(ray, "get", lambda where: fetched.append(where) or where)
    actor = ray_cluster._CallActor()
    where = [(pow, 2)]
    assert [actor.call(where, item) for item in (3, 4)] == [(8, None), (16, None)]
    assert fetched == [where]
