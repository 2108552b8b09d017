"""`FitJob`: one fit as a job of `inkfast.execution`, and the folder that keeps its model."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from inkfast.core.digits import SIDE, Digits
from inkfast.core.errors import InkfastError, NoResultError
from inkfast.core.io import write_bytes
from inkfast.execution import Outcome
from inkfast.models import Network
from inkfast.training import checkpoint
from inkfast.training.fit_spec import Callback, FitSpec
from inkfast.training.loop import fit
from inkfast.training.stacked import StackableFit, train_stacked
from inkfast.training.trained_model import MODEL_FILE, WEIGHTS_FILE, TrainedModel

FitOutcome: TypeAlias = Outcome[TrainedModel]

# MODEL_FILE last: a folder that has it holds a finished fit
_FILES = (WEIGHTS_FILE, MODEL_FILE)
# placeholder for digits that are sent separately
_DETACHED = Digits(np.zeros((1, SIDE, SIDE), np.uint8), None, "sent apart")


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """One fit.

    Attributes:
        title: Name of the fit in messages.
        folder: Folder of its model, and of its checkpoints until it is finished.
        fit_spec: What is trained.
    """

    title: str
    folder: Path
    fit_spec: FitSpec

    @property
    def threads(self) -> int:
        """Number of cores that a cluster reserves."""
        return max(1, self.fit_spec.threads)

    def finished(self, callback: Callback) -> TrainedModel | None:
        """Return the model that the folder holds, None if there is none yet.

        Raises:
            InkfastError: If it is the model of another fit, or damaged.
        """
        if not self._is_finished():
            return None
        trained = TrainedModel.load(self.folder)
        spec = self.fit_spec
        if (trained.architecture, trained.recipe, trained.seed) != (
            spec.architecture, spec.recipe, spec.seed,
        ):  # fmt: skip
            raise InkfastError(
                f"{self.folder} holds another fit. Delete it, and continue with --resume."
            )
        checkpoint.remove_checkpoints(self.folder / "checkpoints")
        callback.on_message("already trained")
        return trained

    def run(self, callback: Callback) -> TrainedModel:
        """Return the folder's model, or train it there, resuming from its checkpoints.

        Raises:
            NoResultError: If the fit diverged or was stopped.
            InkfastError: If the folder holds the model of another fit, or a damaged one.
        """
        trained = self.finished(callback)
        if trained is not None:
            return trained
        try:
            return self.keep(fit(self.fit_spec, self.folder / "checkpoints", callback))
        except NoResultError as error:
            callback.on_message(str(error))
            raise

    def begin(self, callback: Callback) -> _SteppedFit | None:
        """Start a network's fit that advances with others, None for baselines and finished fits."""
        if self._is_finished() or not isinstance(self.fit_spec.architecture, Network):
            return None
        return _SteppedFit(self, callback)

    def detach(self) -> tuple[FitJob, Digits]:
        """Return the job without its digits, and the digits."""
        bare = dataclasses.replace(self.fit_spec, digits=_DETACHED)
        return dataclasses.replace(self, fit_spec=bare), self.fit_spec.digits

    def run_detached(self, data: Digits, callback: Callback) -> dict[str, bytes]:
        """Train in a temporary folder; return the files of the model."""
        whole = dataclasses.replace(self.fit_spec, digits=data)
        with tempfile.TemporaryDirectory() as folder:
            job = dataclasses.replace(self, folder=Path(folder), fit_spec=whole)
            job.run(callback)
            return {name: (job.folder / name).read_bytes() for name in _FILES}

    def store(self, files: Mapping[str, bytes]) -> TrainedModel:
        """Write the files of a model into the folder."""
        for name in _FILES:
            write_bytes(self.folder / name, files[name])
        # of an earlier run on another executor
        checkpoint.remove_checkpoints(self.folder / "checkpoints")
        return TrainedModel.load(self.folder)

    def keep(self, trained: TrainedModel) -> TrainedModel:
        """Save a model in the folder and delete its checkpoints."""
        trained.save(self.folder)
        checkpoint.remove_checkpoints(self.folder / "checkpoints")
        return trained

    def _is_finished(self) -> bool:
        return (self.folder / MODEL_FILE).is_file()


class _SteppedFit:
    """A fit between two of its steps, or one that has ended, see `inkfast.execution.SteppedRun`."""

    def __init__(self, job: FitJob, callback: Callback) -> None:
        self.job, self.callback = job, callback
        self.fit = StackableFit(job.fit_spec, job.folder / "checkpoints", callback)

    @property
    def group(self) -> Hashable:
        """Equal for fits whose steps can be taken at once."""
        return self.fit.signature

    @property
    def ended(self) -> bool:
        """Whether the fit is over."""
        return self.fit.result is not None

    def advance(self, others: Sequence[_SteppedFit]) -> None:
        """Train this fit and others of its group until at least one has ended."""
        train_stacked([self.fit, *(other.fit for other in others)])

    def finish(self) -> TrainedModel:
        """Save and return the model of a fit that has ended.

        Raises:
            NoResultError: If it diverged or was stopped.
        """
        result = self.fit.result
        if isinstance(result, TrainedModel):
            return self.job.keep(result)
        if result is None:
            raise InkfastError(f"{self.job.title} has not ended yet.")
        self.callback.on_message(str(result))
        raise result
