"""Places: Ctrl-C while processes are started is neither lost nor heard by them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from inkfast.core.errors import InkfastError
from inkfast.core.processes import block_sigint, parse_executor

BLOCKED = "import signal as s; print(s.SIGINT in s.pthread_sigmask(s.SIG_BLOCK, []))"


def test_ctrl_c_waits_until_processes_are_started():
    """What has begun is ended first, then it is obeyed; a process from there never hears it."""
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


def test_only_fits_run_together():
    """Who reads pictures is not offered what trains networks."""
    assert parse_executor("stacked", fits=True).processes == 8
    assert parse_executor("stacked:3", fits=True).processes == 3
    with pytest.raises(InkfastError, match="must be serial, local:N .* got 'stacked'"):
        parse_executor("stacked")
