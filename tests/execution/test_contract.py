"""The contract of every executor, tested with jobs and calls that need no digits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from inkfast.core.errors import InkfastError, StoppedError
from inkfast.execution import (
    EXECUTORS,
    Callback,
    Executor,
    SerialExecutor,
    available_cores,
    parse_executor,
)  # fmt: skip
from inkfast.execution.ray_cluster import RayExecutor
from tests.execution.squares import EPOCHS, SquareJob, Witness, worker_processes

TEXTS = {"serial": "serial", "stacked": "stacked:2", "local": "local:2"}


@pytest.fixture(scope="module", params=list(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Every registered executor, open."""
    if request.param == "ray":
        yield request.getfixturevalue("ray_executor")
        return
    found = parse_executor(TEXTS[request.param])
    with found.open():
        yield found


def squares(folder: Path, *values: int, **settings: Any) -> list[SquareJob]:
    return [SquareJob(folder / str(value), value, **settings) for value in values]


def test_every_job_ends_once_with_its_result(executor: Executor, tmp_path: Path) -> None:
    """Results are in the order of the jobs; jobs start in order, and each reports every epoch."""
    witness = Witness()
    jobs = squares(tmp_path, 3, 4, 6, 8, 5)
    found, interrupted = executor.run(iter(jobs), 5, witness)
    assert found == [9, 16, 36, 64, 25]
    assert not interrupted
    assert witness.begun == [(job.title, place, 5) for place, job in enumerate(jobs, 1)]
    epochs = sorted((title, epoch) for title, (epoch, _) in witness.epochs)
    assert epochs == sorted((job.title, n) for job in jobs for n in range(1, EPOCHS + 1))
    assert not worker_processes()


def test_finished_jobs_are_not_run_again(executor: Executor, tmp_path: Path) -> None:
    """The stored results of finished jobs are returned without running an epoch."""
    executor.run(squares(tmp_path, 2, 3, 4), 3)
    witness = Witness()
    found, _ = executor.run(squares(tmp_path, 2, 3, 4), 3, witness)
    assert found == [4, 9, 16]
    assert witness.epochs == []
    assert witness.said == ["already done"] * 3


def test_a_job_stops_when_its_callback_says_so(executor: Executor, tmp_path: Path) -> None:
    """A job stops after an epoch for which `should_stop` is true, and the other jobs continue."""

    def observer(title: str, number: int, total: int) -> Callback[Any]:
        return Callback(should_stop=lambda metrics: number == 2)

    jobs = squares(tmp_path, 2) + squares(tmp_path, 4, epochs=100_000)
    (first, stopped), _ = executor.run(jobs, 2, observer)
    assert first == 4
    assert isinstance(stopped, StoppedError)
    assert str(stopped).startswith("stopped after epoch")
    assert not (tmp_path / "4" / "result").exists()


def test_an_error_is_raised_where_the_sweep_was_started(executor: Executor, tmp_path: Path) -> None:
    """The error of a job is raised in this process, as itself."""
    with pytest.raises(InkfastError, match=r"^square 2 cannot be computed\.$"):
        executor.run(squares(tmp_path, 2, fails=True), 1)
    assert not worker_processes()


def test_jobs_are_taken_when_there_is_room(executor: Executor, tmp_path: Path) -> None:
    """A job is taken from the iterator only when there is room to run it."""
    results: list[int] = []

    def jobs() -> Iterator[SquareJob]:
        for value in range(8):
            assert value - len(results) <= most
            yield SquareJob(tmp_path / str(value), value)

    # a cluster has room for a job on each core
    most = {RayExecutor: available_cores(), SerialExecutor: 0}.get(type(executor), 2)
    for _, outcome in executor.results(jobs(), 8, lambda *_: Callback()):
        assert isinstance(outcome, int)
        results.append(outcome)
    assert sorted(results) == [value**2 for value in range(8)]


def test_ctrl_c_returns_what_is_finished(executor: Executor, tmp_path: Path) -> None:
    """Ctrl-C returns the finished results, None for the others, and leaves no process."""

    def observer(title: str, number: int, total: int) -> Callback[Any]:
        if number == 3:
            raise KeyboardInterrupt
        return Callback()

    jobs = squares(tmp_path, 1, 3, 5)
    executor.run(jobs[:2], 2)
    found, interrupted = executor.run(jobs, 3, observer)
    assert interrupted
    assert found == [1, 9, None]
    assert not worker_processes()


def add(state: int, item: int) -> int:
    """Return the sum, or raise for 13."""
    if item == 13:
        raise InkfastError("13 cannot be added.")
    return state + item


def test_calls_are_mapped_in_order(executor: Executor) -> None:
    """Results keep the order of an endless stream, of which only a few items are taken ahead."""
    taken = []

    def items() -> Iterator[int]:
        for item in count():
            taken.append(item)
            yield item if item != 13 else 0

    found = executor.map(add, 100, items())
    assert list(islice(found, 40)) == [100 + (item if item != 13 else 0) for item in range(40)]
    assert len(taken) < 40 + 200
    found.close()
    assert not worker_processes()


def test_nothing_is_mapped_to_nothing(executor: Executor) -> None:
    assert list(executor.map(add, 1, [])) == []


def test_an_error_of_a_call_is_raised_as_itself(executor: Executor) -> None:
    """The error of a call is raised as itself, after the results before it."""
    found = executor.map(add, 0, range(11, 20))
    assert [next(found), next(found)] == [11, 12]
    with pytest.raises(InkfastError, match=r"^13 cannot be added\.$"):
        next(found)
    assert not worker_processes()
