"""Models as arguments: a shipped network, an ONNX file or a run folder."""

from __future__ import annotations

from pathlib import Path

from inkfast.core.errors import InkfastError
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.onnx_format import OPTION
from inkfast.inference.page import open_page_reader, page_model_names
from inkfast.inference.reader import Reader, shipped_names


def is_onnx(path: Path) -> bool:
    """Return whether a path names an ONNX file rather than a run folder."""
    return path.suffix.lower() == ".onnx"


def open_reader(
    model: str, max_error: float | None, threads: int = 1, onnx_format: str = ""
) -> Reader:
    """Open a shipped network, an ONNX file or the best model of a run.

    Args:
        model: Name of a shipped network, path of an .onnx file, or run folder.
        max_error: Largest share of errors among the answers; None takes the model's own.
        threads: Threads of a call, 0 for all cores; with 1 every executor gives the same bits.
        onnx_format: How an ONNX file of another tool takes pixels and what it returns.
    """
    if model in shipped_names() or not Path(model).is_dir():
        return Reader.open(model, max_error, threads, onnx_format)
    _check_no_format(model, onnx_format)
    # imports torch, which ONNX files do without
    from inkfast.experiments.run_classifier import open_run

    return open_run(Path(model), max_error)


def open_page_model(
    model: str, max_error: float | None, threads: int = 1, onnx_format: str = ""
) -> Reader | NumberReader:
    """Open a network that reads pages: of numbers or of digits, shipped, in a file or of a run.

    Args:
        model: Name of a shipped network, path of an .onnx file, or run folder.
        max_error: Largest share of errors among what is sure; None takes the network's own.
        threads: Threads of a call, 0 for all cores; with 1 every executor gives the same bits.
        onnx_format: How an ONNX file of another tool takes pixels and what it returns.
    """
    if model in page_model_names() or not Path(model).is_dir():
        return open_page_reader(model, max_error, threads, onnx_format)
    _check_no_format(model, onnx_format)
    # imports torch, which ONNX files do without
    from inkfast.experiments.number_run import open_page_run

    return open_page_run(Path(model), max_error)


def _check_no_format(run: str, onnx_format: str) -> None:
    if onnx_format:
        raise InkfastError(f"{run} is a run folder: {OPTION} is for .onnx files of other tools.")


def model_name(reader: Reader, model: str) -> str:
    """Return how a sentence names the model."""
    return f"the shipped {model}" if model in shipped_names() else reader.classifier.name
