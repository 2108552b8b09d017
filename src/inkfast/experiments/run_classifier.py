"""A run's best model as a reader, for `--model RUN`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkfast.core.digits import Digits, Images
from inkfast.core.errors import InkfastError
from inkfast.experiments import run_folder
from inkfast.inference.onnx_classifier import ModelMetadata
from inkfast.inference.reader import Reader
from inkfast.training import hardware


def open_run(run: Path, max_error: float | None) -> Reader:
    """Open the best model of a run; no digit is unsure for its confidence, which is uncalibrated.

    Raises:
        InkfastError: If the folder is not a run, or `max_error` is given.
    """
    check_no_guarantee(run, max_error)
    return Reader(RunClassifier(run), threshold=0)


def check_no_guarantee(run: Path, max_error: float | None) -> None:
    """Raise `InkfastError` if `max_error` is given for a run, which has no risk guarantee."""
    if max_error is not None:
        raise InkfastError(
            f"{run} is a run folder, which has no risk guarantee. Export it: "
            f"inkfast export {shlex.quote(str(run))} --to reader.onnx --max-error {max_error:g}"
        )


class RunClassifier:
    """A run's best model on validation, as a classifier.

    Args:
        run: The run folder; read again in each process.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        _, trained = run_folder.load_models(run)
        entry, self._model = max(trained, key=lambda pair: pair[1].best.validation_accuracy)
        accuracy = f"validation accuracy {self._model.best.validation_accuracy:.2%}"
        self.name = f"{entry.name}, seed {self._model.seed} ({accuracy})"
        self.fingerprint = f"{run.resolve()}: {self.name}"
        self.metadata = ModelMetadata({"model": str(entry.architecture)}, self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return RunClassifier, (self._run,)

    def probabilities(self, images: Images) -> NDArray[np.float64]:
        """Return class probabilities ``(n, 10)`` of uint8 ``(n, 28, 28)``, ink bright on dark."""
        # as shipped networks have it: executors give the same bits, and do not crowd the cores
        with hardware.torch_threads(1), hardware.library_threads(1):
            return self._model.probabilities(Digits(images, None, "given"))
