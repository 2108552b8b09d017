"""Fits on a Ray cluster: digits travel out, a model comes back as the bytes of its files.

Machines share no disk. What is finished is in the run folder of the machine that asked; a fit whose
machine was lost starts again elsewhere, from its beginning, and ends with the same bits.
"""

from __future__ import annotations

import dataclasses
import os
import socket
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inkfast.core.digits import SIDE, Digits
from inkfast.core.errors import DivergedError, InkfastError, StoppedError
from inkfast.core.io import write_bytes
from inkfast.execution.jobs import FitJob, FitOutcome, SweepObserver, finished
from inkfast.execution.process_pool import ATTEMPTS, answer
from inkfast.training import Callback, FitSpec, TrainedModel, checkpoint
from inkfast.training.trained_model import MODEL_FILE, WEIGHTS_FILE

_START = (
    "Start one with `RAY_AUTH_MODE=token ray start --head --port 6379`, docs/cluster.md says how, "
    "or leave the address out: --executor ray."
)


class _MessageBoard:
    """Lives on the machine that asked, and takes what workers tell it until it is read."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, Any]] = []
        self.stopped: set[int] = set()

    def tell(self, number: int, kind: str, value: Any) -> bool:
        """Note a message; return whether the fit is to stop."""
        self.told.append((number, kind, value))
        return number in self.stopped

    def read(self, stop: list[int]) -> list[tuple[int, str, Any]]:
        """Return what was told since the last time, and note which fits are to stop."""
        self.stopped.update(stop)
        told, self.told = self.told, []
        return told


class _BoardPipe:
    """What `answer` speaks into: a call of the desk for each message."""

    def __init__(self, desk: Any, number: int) -> None:
        self.desk, self.number, self.reply = desk, number, False

    def send(self, message: tuple[str, Any]) -> None:
        import ray

        if message[0] != "step":  # a call for each step would cost more than it tells
            self.reply = ray.get(self.desk.tell.remote(self.number, *message))

    def recv(self) -> bool:
        return self.reply


# stands in a task for digits that travel apart from it
_NONE = Digits(np.zeros((1, SIDE, SIDE), np.uint8), None, "sent apart")


def _work(fit_spec: FitSpec, digits: Digits, number: int, desk: Any) -> tuple[str, Any]:
    """Train one job in a folder that is then gone; runs in a worker of the cluster."""
    fit_spec = dataclasses.replace(fit_spec, digits=digits)
    with tempfile.TemporaryDirectory() as folder:
        kind, value = answer(fit_spec, Path(folder), _BoardPipe(desk, number))
        if kind == "trained":
            # MODEL_FILE last: it is what makes a folder a finished fit
            names = (WEIGHTS_FILE, MODEL_FILE)
            value = {name: (Path(folder) / name).read_bytes() for name in names}
        return kind, value


def results(
    jobs: Iterable[FitJob], total: int, observer: SweepObserver
) -> Generator[tuple[int, FitOutcome]]:
    """Yield each job's number and result as they end, as many at a time as there are cores."""
    import ray

    return _Sweep(ray, jobs, total, observer).results()


class _Sweep:
    """The jobs of one sweep: those that wait, and those that are out."""

    def __init__(
        self, ray: Any, jobs: Iterable[FitJob], total: int, observer: SweepObserver
    ) -> None:
        self.ray, self.total, self.observer = ray, total, observer
        self.waiting = enumerate(jobs)
        self.out: dict[Any, tuple[int, FitJob]] = {}
        self.callbacks: dict[int, Callback] = {}
        self.stop: list[int] = []
        self.threads = 1  # of a fit
        self.digits: tuple[Digits | None, Any] = (None, None)  # the last ones sent, and where
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        self.desk = ray.remote(_MessageBoard).options(num_cpus=0, scheduling_strategy=here).remote()

    def results(self) -> Generator[tuple[int, FitOutcome]]:
        while True:
            yield from self._send_out()
            if not self.out:
                return
            ready, _ = self.ray.wait(list(self.out), timeout=0.5)
            self._listen()
            for reference in ready:
                number, job = self.out.pop(reference)
                self.callbacks[number].on_progress(1.0)
                yield number, self._result(reference, job)

    def _send_out(self) -> Iterator[tuple[int, FitOutcome]]:
        """Give every free core a job; jobs already finished are yielded at once."""
        while not self.out or (len(self.out) + 1) * self.threads <= sum(self._cores()):
            number, job = next(self.waiting, (-1, None))
            if job is None:
                return
            self.callbacks[number] = self.observer.on_fit_start(job.title, number + 1, self.total)
            there = finished(job.fit_spec, job.folder, self.callbacks[number])
            if there is not None:
                yield number, there
                continue
            self.threads = max(1, job.fit_spec.threads)
            self._check_room(job)
            work = self.ray.remote(_work).options(num_cpus=self.threads, max_retries=ATTEMPTS - 1)
            bare = dataclasses.replace(job.fit_spec, digits=_NONE)
            sent = work.remote(bare, self._sent(job.fit_spec.digits), number, self.desk)
            self.out[sent] = (number, job)

    def _sent(self, digits: Digits) -> Any:
        """Return where the cluster holds digits; the same ones are sent once."""
        if self.digits[0] is not digits:
            self.digits = (digits, self.ray.put(digits))
        return self.digits[1]

    def _cores(self) -> list[float]:
        """The cores of each machine: asked anew each time, since machines come and go."""
        nodes = self.ray.nodes()
        return [node["Resources"].get("CPU", 0) for node in nodes if node["Alive"]]

    def _check_room(self, job: FitJob) -> None:
        most = max(self._cores())
        if self.threads > most:
            raise InkfastError(
                f"{job.title} needs {self.threads} threads and no machine of the cluster has more "
                f"than {most:.0f} cores. Give fewer --threads."
            )

    def _listen(self) -> None:
        out = dict(self.out.values())
        for number, kind, value in self.ray.get(self.desk.read.remote(self.stop)):
            if number not in out:  # a machine taken for dead still tells of a fit that has ended
                continue
            callback = self.callbacks[number]
            if kind == "say":
                callback.on_message(value)
            else:
                callback.on_epoch_end(value)
                callback.on_progress(value.number / out[number].fit_spec.recipe.epochs)
                if callback.should_stop(value):
                    self.stop.append(number)

    def _result(self, reference: Any, job: FitJob) -> FitOutcome:
        try:
            kind, value = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            raise InkfastError(
                f"{job.title}: the cluster gave it up ({_first_line(error)}). Every machine needs "
                "the same inkfast; go on with --resume."
            ) from None
        if kind == "failed":
            raise value
        if isinstance(value, DivergedError | StoppedError):
            return value
        for name, content in value.items():
            write_bytes(job.folder / name, content)
        checkpoint.remove_checkpoints(job.folder / "checkpoints")  # of another executor, before
        return TrainedModel.load(job.folder)


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Join a cluster, or start one on this machine alone, and leave it at the end.

    Raises:
        InkfastError: If Ray is not installed, nothing answers, or it asks for another token.
    """
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise InkfastError(
            "`executor` ray needs Ray: pip install 'ray>=2.59', or use --executor local:2."
        ) from None
    where: dict[str, Any] = {"address": address}
    if address:
        _check_reachable(address)
    else:
        # 127.0.0.1 alone, where Ray would listen on every interface; it makes a token of its own
        where = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(**where, logging_level="error", log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InkfastError(
            f"no Ray cluster at {address or 'this machine'}: {_first_line(error)} {_START}"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    host, _, port = address.rpartition(":")
    if os.environ.get("RAY_AUTH_MODE") != "token":
        raise InkfastError(
            "a Ray cluster runs whatever it is sent, so inkfast joins one with a token alone: set "
            "RAY_AUTH_MODE=token here and on each of its machines (docs/cluster.md)."
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise InkfastError(f"no Ray cluster answers at {address} ({error}). {_START}") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
