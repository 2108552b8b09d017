"""Worker processes: started, lost, started again, and ended with their parent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from inkfast.execution.worker import Worker, WorkerLostError, block_sigint
from inkfast.execution.worker_pool import WorkerPool
from tests.execution.squares import worker_processes

BLOCKED = "import signal as s; print(s.SIGINT in s.pthread_sigmask(s.SIG_BLOCK, []))"


def test_ctrl_c_waits_until_processes_are_started():
    """Ctrl-C is obeyed after the block; processes started within it never receive it."""
    done = []

    def started():
        with block_sigint():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(subprocess.check_output([sys.executable, "-c", BLOCKED], text=True))

    with pytest.raises(KeyboardInterrupt):
        started()
    assert done == ["True\n"]
    with block_sigint():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def work(state: object, seconds: float) -> int:
    """Sleep, then return the process id."""
    time.sleep(seconds)
    return os.getpid()


PARENT = """
from inkfast.execution.worker_pool import WorkerPool
from tests.execution.test_worker import work
with WorkerPool(work, None, 1) as pool:
    print(pool.call(0), flush=True)
    pool.call(60)
"""


def test_a_worker_ends_with_its_parent():
    """A worker ends in the middle of its work when its parent is killed."""
    root = Path(__file__).parents[2]  # where the package `tests` is found
    program = [sys.executable, "-c", PARENT]
    with subprocess.Popen(program, cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline()
        parent.kill()
        assert select.select([parent.stdout], [], [], 20)[0]
        assert parent.stdout.read() == b""


def test_a_worker_ignores_what_is_meant_for_its_parent():
    """Ctrl-C and SIGTERM do not end a worker; its parent decides when it ends."""
    with WorkerPool(work, None, 1) as pool:
        first = pool.call(0)
        for name in (signal.SIGINT, signal.SIGTERM):
            os.kill(first, name)
            assert pool.call(0.1) == first


def test_a_lost_worker_is_replaced_by_the_next_call():
    """The call that loses its process raises an error; the next call starts another one."""
    with WorkerPool(work, None, 1) as pool:
        first = pool.call(0)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(WorkerLostError, match="Free some memory"):
            pool.call(0)
        assert pool.call(0) != first


def test_a_closed_pool_starts_nothing():
    """Calls of a closed pool fail at once, and no process is left."""
    pool = WorkerPool(work, None, 2)
    pool.warm_up(0)
    assert len(worker_processes()) == 2
    pool.close()
    with pytest.raises(WorkerLostError):
        pool.call(0)
    assert not worker_processes()


def end(pipe: Connection) -> None:
    """Return before anything has been sent."""


def test_a_worker_that_ends_at_once_is_lost_and_blocks_nobody():
    worker = Worker(end)
    worker.start()
    with pytest.raises(WorkerLostError):
        worker.receive()
    worker.close()
