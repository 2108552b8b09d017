"""A run's network that reads numbers, for `inkfast read --model RUN` and `inkfast export RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.errors import InkfastError
from inkfast.experiments import run_folder
from inkfast.experiments.config import read_toml
from inkfast.experiments.number_experiment import (
    NumberExperiment,
    number_experiment,
    number_fit_folder,
)
from inkfast.experiments.run_classifier import check_no_guarantee, open_run
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.number_strips import GreyStrip
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import Reader
from inkfast.training import hardware
from inkfast.training.number_model import TrainedNumberNetwork
from inkfast.training.trained_model import MODEL_FILE


def is_number_run(out: Path) -> bool:
    """Return whether a folder is a run with a network that reads numbers."""
    return run_folder.RUN.holds(out) and (
        run_folder.load_identity(out)["kind"] == run_folder.NUMBERS
    )


def load_number_run(out: Path) -> tuple[NumberExperiment, TrainedNumberNetwork]:
    """Return the experiment of a run and its finished network.

    Raises:
        InkfastError: If it is not such a run, cannot be read, or is not finished.
    """
    if not is_number_run(out):
        raise InkfastError(
            f"{out} has no network that reads numbers: expected a run of `inkfast train "
            "number-reader`."
        )
    experiment = number_experiment(read_toml(out / run_folder.EXPERIMENT))
    folder = number_fit_folder(out, experiment)
    if not (folder / MODEL_FILE).is_file():
        raise run_folder.unfinished_run(out)
    return experiment, TrainedNumberNetwork.load(folder)


def open_number_run(run: Path, max_error: float | None) -> NumberReader:
    """Open the network of a run; no number is unsure for its confidence, which is uncalibrated.

    Raises:
        InkfastError: See `load_number_run`; or if `max_error` is given.
    """
    check_no_guarantee(run, max_error)
    return NumberReader(RunNumberNetwork(run), threshold=0)


def open_page_run(run: Path, max_error: float | None) -> Reader | NumberReader:
    """Open the network of a run that reads pages: of numbers, or the best one of digits.

    Raises:
        InkfastError: If the run cannot be read or is not finished, or `max_error` is given.
    """
    return open_number_run(run, max_error) if is_number_run(run) else open_run(run, max_error)


class RunNumberNetwork:
    """A run's network that reads numbers.

    Args:
        run: The run folder; read again in each process.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        experiment, self._trained = load_number_run(run)
        accuracy = f"validation accuracy {self._trained.best.validation_accuracy:.2%}"
        self.name = f"{experiment.architecture.name}, seed {experiment.seed} ({accuracy})"
        self.fingerprint = f"{run.resolve()}: {self.name}"
        self.metadata = ModelMetadata({"model": str(experiment.architecture)}, self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return RunNumberNetwork, (self._run,)

    def log_probabilities(self, strips: GreyStrip) -> NDArray[np.float32]:
        """Return float32 ``(n, frames, k)`` of prepared strips, uint8 ``(n, 40, width)``."""
        # as shipped networks have it: executors give the same bits, and do not crowd the cores
        with hardware.torch_threads(1), hardware.library_threads(1):
            return self._trained.log_probabilities(strips)
