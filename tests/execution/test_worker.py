"""Worker processes: started, lost, started again, and ended with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from inkfast.execution.worker import block_sigint

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
