"""Models as arguments: a shipped network, an ONNX file or a run folder."""

from __future__ import annotations

from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.inference.reader import Reader, shipped_names


def is_onnx(path: Path) -> bool:
    """Return whether a path names an ONNX file rather than a run folder."""
    return path.suffix.lower() == ".onnx"


def open_reader(model: str, max_error: float | None, threads: int = 1) -> Reader:
    """Open a shipped network, an ONNX file or the best model of a run.

    Args:
        model: Name of a shipped network, path of an .onnx file, or run folder.
        max_error: Largest share of errors among the answers; None takes the model's own.
        threads: Threads of a call, 0 for all cores; with 1 every executor gives the same bits.
    """
    if model in shipped_names() or not Path(model).is_dir():
        return Reader.open(model, max_error, threads)
    if max_error is not None:
        raise InkfastError(
            f"{model} is a run folder, which has no risk guarantee. Export it: "
            f"inkfast export {model} --to reader.onnx --max-error {max_error:g}"
        )
    # imports torch, which ONNX files do without
    from inkfast.experiments.run_classifier import RunClassifier

    return Reader(RunClassifier(Path(model)), threshold=0)


def model_name(reader: Reader, model: str) -> str:
    """Return how a sentence names the model."""
    return f"the shipped {model}" if model in shipped_names() else reader.classifier.name
