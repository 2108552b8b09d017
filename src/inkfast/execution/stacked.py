"""Fits side by side in this process: equal networks take their steps at once on one device."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from inkfast.execution.jobs import (
    Job,
    Observer,
    Result,
    finished_or_fit,
    is_finished,
    keep,
)
from inkfast.models import Network
from inkfast.training import Watch
from inkfast.training.stacked import (
    Lane,
    train,
)


@dataclass(frozen=True)
class Fit:
    """A job that is under way."""

    number: int
    job: Job
    watch: Watch
    lane: Lane


def results(
    jobs: Iterable[Job], total: int, observer: Observer, most: int
) -> Generator[tuple[int, Result]]:
    """Yield each job's number and result as they end; up to `most` are under way.

    Those equal to the eldest go on; one that has none like it is trained alone, and so is what
    takes no steps.
    """
    waiting = enumerate(jobs)
    fits: list[Fit] = []
    while True:
        while len(fits) < most and (following := next(waiting, None)) is not None:
            number, job = following
            watch = observer.fit(job.title, number + 1, total)
            if is_finished(job.folder) or not isinstance(job.task.architecture, Network):
                yield number, finished_or_fit(job.task, job.folder, watch)
                continue
            lane = Lane(job.task, job.folder / "checkpoints", watch)
            fits.append(Fit(number, job, watch, lane))
        if not fits:
            return
        if all(fit.lane.result is None for fit in fits):  # one may be over as it is taken up
            train([fit.lane for fit in fits if fit.lane.form == fits[0].lane.form])
        ended = [
            (fit, keep(fit.lane.result, fit.job.folder, fit.watch))
            for fit in fits
            if fit.lane.result is not None
        ]
        fits = [fit for fit in fits if fit.lane.result is None]
        yield from ((fit.number, result) for fit, result in ended)
