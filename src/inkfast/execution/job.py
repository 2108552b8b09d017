"""`Job`: what an executor runs; `Callback`: what it is called with while it runs.

Executors know nothing of training. A job stores its own result, so that an interrupted sweep can
be resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from inkfast.core.errors import NoResultError

Metrics = TypeVar("Metrics")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Callback(Generic[Metrics]):
    """Functions that a job calls, in the process that started it; each does nothing by default.

    Attributes:
        on_progress: Called with the share of the job that is done, in [0, 1].
        on_epoch_end: Called with the metrics of each finished epoch.
        on_message: Called with anything else worth saying, one sentence at a time.
        should_stop: Called after each epoch with its metrics; the job stops when it returns true.
    """

    on_progress: Callable[[float], None] = field(default=lambda share: None)
    on_epoch_end: Callable[[Metrics], None] = field(default=lambda metrics: None)
    on_message: Callable[[str], None] = field(default=lambda sentence: None)
    should_stop: Callable[[Metrics], bool] = field(default=lambda metrics: False)


# Called at the start of each job with its title, its number (from 1) and the number of jobs.
Observer: TypeAlias = Callable[[str, int, int], Callback[Metrics]]


def quiet(title: str, number: int, total: int) -> Callback[Any]:
    """Observe nothing."""
    return Callback()


class Job(Protocol[Metrics, Result_co]):
    """A long piece of work that stores its result."""

    @property
    def title(self) -> str:
        """Name of the job in messages."""

    @property
    def threads(self) -> int:
        """Number of cores that a cluster reserves for the job."""

    def finished(self, callback: Callback[Metrics]) -> Result_co | None:
        """Return the result that an earlier run has stored, None if there is none."""

    def run(self, callback: Callback[Metrics]) -> Result_co:
        """Return the stored result; or run, resuming an interrupted run, and store the result.

        Raises:
            NoResultError: If the job ended without a result.
        """

    def begin(self, callback: Callback[Metrics]) -> SteppedRun[Result_co] | None:
        """Start a run that can advance together with others, None if this job cannot."""

    def detach(self) -> tuple[Job[Metrics, Result_co], object]:
        """Return the job without its data, and the data: jobs that share it send it once."""

    def run_detached(self, data: Any, callback: Callback[Metrics]) -> Mapping[str, bytes]:
        """Run on a machine without this one's disk; return the files to `store`."""

    def store(self, files: Mapping[str, bytes]) -> Result_co:
        """Store the files of a detached run; return the result."""


class SteppedRun(Protocol[Result_co]):
    """A run that stands between two steps, or has ended."""

    @property
    def group(self) -> Hashable:
        """Equal for runs that can advance together."""

    @property
    def ended(self) -> bool:
        """Whether the run is over."""

    def advance(self, others: Sequence[Any]) -> None:
        """Advance this run and `others` of its group until at least one of them has ended."""

    def finish(self) -> Result_co:
        """Store and return the result of a run that has ended.

        Raises:
            NoResultError: If it ended without one.
        """


Outcome: TypeAlias = Result | NoResultError


def outcome_of(run: Callable[[], Result]) -> Outcome[Result]:
    """Return the result of a run, or the reason why there is none."""
    try:
        return run()
    except NoResultError as error:
        return error


def attempt(run: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """Return the result of a call and None, or None and its error, to be raised elsewhere."""
    try:
        return run(), None
    except Exception as error:
        return None, error
