"""Models as arguments: a shipped network, an ONNX file or a run folder."""

from __future__ import annotations

from pathlib import Path

from inkfast.inference.number_reader import NumberReader
from inkfast.inference.page import open_page_reader, page_model_names
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
    # imports torch, which ONNX files do without
    from inkfast.experiments.run_classifier import open_run

    return open_run(Path(model), max_error)


def open_page_model(model: str, max_error: float | None, threads: int = 1) -> Reader | NumberReader:
    """Open a network that reads pages: of numbers or of digits, shipped, in a file or of a run.

    Args:
        model: Name of a shipped network, path of an .onnx file, or run folder.
        max_error: Largest share of errors among what is sure; None takes the network's own.
        threads: Threads of a call, 0 for all cores; with 1 every executor gives the same bits.
    """
    if model in page_model_names() or not Path(model).is_dir():
        return open_page_reader(model, max_error, threads)
    # imports torch, which ONNX files do without
    from inkfast.experiments.number_run import open_page_run

    return open_page_run(Path(model), max_error)


def model_name(reader: Reader, model: str) -> str:
    """Return how a sentence names the model."""
    return f"the shipped {model}" if model in shipped_names() else reader.classifier.name
