"""Processes of this machine: one that is killed is replaced, and nothing is lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from inkfast import execution
from inkfast.core.errors import InkfastError
from inkfast.execution import Callback
from tests.execution.squares import SquareJob, worker_processes


def test_a_killed_process_is_replaced_and_its_job_resumed(tmp_path: Path) -> None:
    """A job resumes after its process was killed while it waited for the reply to an epoch."""
    killed, said = [], []

    def observer(title: str, number: int, total: int) -> Callback[Any]:
        def epoch(metrics: tuple[int, int]) -> None:
            if number == 2 and not killed:
                killed.append(metrics[1])
                os.kill(metrics[1], signal.SIGKILL)

        return Callback(
            on_epoch_end=epoch, on_message=lambda sentence: said.append((number, sentence))
        )

    jobs = [SquareJob(tmp_path / str(value), value) for value in range(4)]
    found, interrupted = execution.parse_executor("local:2").run(jobs, 4, observer)
    assert found == [0, 1, 4, 9]
    assert not interrupted
    assert said == [
        (2, "its process was lost; starting it again"),
        (2, "resumed after epoch 1"),
    ]
    assert not worker_processes()


def test_a_job_that_always_kills_its_process_is_given_up(tmp_path: Path) -> None:
    """After three lost processes the sweep ends with an error in one sentence."""
    killed = []

    def epoch(metrics: tuple[int, int]) -> None:
        killed.append(metrics[0])
        os.kill(metrics[1], signal.SIGKILL)

    with pytest.raises(
        InkfastError, match=r"square 7: its process was lost 3 times.*--executor serial.*--resume"
    ):
        execution.parse_executor("local:1").run(
            [SquareJob(tmp_path, 7)], 1, lambda *_: Callback(on_epoch_end=epoch)
        )
    assert killed == [1, 2, 3]
    assert not worker_processes()


def test_ctrl_c_returns_what_is_finished(tmp_path: Path) -> None:
    """Ctrl-C as the third job starts returns the first two results and leaves no process."""

    def observer(title: str, number: int, total: int) -> Callback[Any]:
        if number == 3:
            raise KeyboardInterrupt
        return Callback()

    jobs = [SquareJob(tmp_path / str(value), value) for value in (1, 2, 3)]
    found, interrupted = execution.parse_executor("local:1").run(jobs, 3, observer)
    assert interrupted
    assert found == [1, 4, None]
    assert not worker_processes()


def die_once(folder: Path, item: int) -> int:
    """End the process at the first call with 3, or at every call with 13."""
    mark = folder / "died"
    if item == 13 or (item == 3 and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_call_whose_process_is_lost_is_made_again(tmp_path: Path) -> None:
    """Calls of a lost process are repeated, and all results come in order."""
    found = execution.parse_executor("local:2").map(die_once, tmp_path, range(8))
    assert list(found) == list(range(8))
    assert (tmp_path / "died").exists()


def test_a_call_that_always_kills_its_process_is_given_up(tmp_path: Path) -> None:
    """After three lost processes a call ends with an error in one sentence."""
    with pytest.raises(InkfastError, match=r"a process was lost 3 times.*--executor serial"):
        list(execution.parse_executor("local:2").map(die_once, tmp_path, [1, 13, 2]))
    assert not worker_processes()
