"""Fits side by side in this process: equal networks take their steps at once on one device."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from inkfast.execution.jobs import (
    FitJob,
    FitOutcome,
    SweepObserver,
    finished_or_fit,
    is_finished,
    keep,
)
from inkfast.models import Network
from inkfast.training import Callback
from inkfast.training.stacked import StackableFit, train_stacked


@dataclass(frozen=True)
class StackedJob:
    """A job that is under way."""

    number: int
    job: FitJob
    callback: Callback
    lane: StackableFit


def results(
    jobs: Iterable[FitJob], total: int, observer: SweepObserver, most: int
) -> Generator[tuple[int, FitOutcome]]:
    """Yield each job's number and result as they end; up to `most` are under way.

    Those equal to the eldest go on; one that has none like it is trained alone, and so is what
    takes no steps.
    """
    waiting = enumerate(jobs)
    fits: list[StackedJob] = []
    while True:
        while len(fits) < most and (following := next(waiting, None)) is not None:
            number, job = following
            callback = observer.on_fit_start(job.title, number + 1, total)
            if is_finished(job.folder) or not isinstance(job.fit_spec.architecture, Network):
                yield number, finished_or_fit(job.fit_spec, job.folder, callback)
                continue
            lane = StackableFit(job.fit_spec, job.folder / "checkpoints", callback)
            fits.append(StackedJob(number, job, callback, lane))
        if not fits:
            return
        if all(fit.lane.result is None for fit in fits):  # one may be over as it is taken up
            train_stacked([fit.lane for fit in fits if fit.lane.form == fits[0].lane.form])
        ended = [
            (fit, keep(fit.lane.result, fit.job.folder, fit.callback))
            for fit in fits
            if fit.lane.result is not None
        ]
        fits = [fit for fit in fits if fit.lane.result is None]
        yield from ((fit.number, result) for fit, result in ended)
