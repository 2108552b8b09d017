"""`inkfast export`: a network of a run as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast import data as sources
from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.cli._models import is_onnx
from inkfast.core.errors import InkfastError, check_number, unknown_name
from inkfast.core.io import check_free
from inkfast.experiments import onnx_export, run_folder
from inkfast.experiments.config import ModelSpec
from inkfast.experiments.dataset import load_run_data
from inkfast.inference.onnx_classifier import GUARANTEES, ModelMetadata
from inkfast.models import Network
from inkfast.training import TrainedModel


def export(
    run: options.RunFolder,
    model: Annotated[
        str | None,
        typer.Option(help="Name of a model of the run.", show_default="the best network"),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            help="onnx (RUN/reader.onnx), onnx-int8 (RUN/reader-int8.onnx: 8-bit weights, smaller "
            "and faster, nearly the same predictions), or a file name that ends in .onnx."
        ),
    ] = "onnx",
    max_error: Annotated[
        float,
        typer.Option(help="Largest share of errors among the digits that are not marked unsure."),
    ] = 0.01,
    int8: Annotated[
        bool, typer.Option("--int8", hidden=True, help="8-bit weights in the file of --to.")
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            help="Data source on which the file must predict as the network does; repeatable."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Export a network as one ONNX file: pixels in, calibrated probabilities out."""
    check_number("max_error", max_error, above=0, high=0.999)
    int8 = int8 or to == "onnx-int8"
    path = Path(to)
    if to in ("onnx", "onnx-int8"):
        path = run / ("reader-int8.onnx" if int8 else "reader.onnx")
    if not is_onnx(path):
        raise InkfastError(f"`to` must be onnx, onnx-int8 or a file that ends in .onnx, got {to}.")
    for file in (path, path.with_suffix(".json")):
        check_free(file, overwrite=overwrite)
    printer = Printer(open_console())
    experiment, trained = run_folder.load_models(run)
    model_spec, best = _best_of(trained, model, run)
    source = sources.load(experiment.data, printer.download)
    dataset = load_run_data(experiment, source, run)
    given = [sources.load(name, printer.download) for name in check or []]
    others = [part for one in given for part in (one.train, one.test) if part is not None]
    classifier, parity = onnx_export.export_onnx(
        model_spec, best, experiment, dataset, path, max_error, int8=int8, checks=others
    )
    printer.say(
        f"{path}: {model_spec.name}, seed {best.seed} (validation accuracy "
        f"{best.best.validation_accuracy:.2%}), {path.stat().st_size / 1e6:.2f} MB"
    )
    for sentence in parity:
        printer.say(sentence)
    printer.say(_describe_guarantee(classifier.metadata, max_error))


def _best_of(
    trained: list[tuple[ModelSpec, TrainedModel]], name: str | None, run: Path
) -> tuple[ModelSpec, TrainedModel]:
    """Return the best network on validation rows, or the best model of one name."""
    names = list(dict.fromkeys(model_spec.name for model_spec, _ in trained))
    if name is not None and name not in names:
        raise unknown_name("model", name, names)
    chosen = [pair for pair in trained if name == pair[0].name]
    if name is None:
        chosen = [pair for pair in trained if isinstance(pair[0].architecture, Network)]
        if not chosen:
            raise InkfastError(f"no model of {run} is a network: only networks are exported.")
    return max(chosen, key=lambda pair: pair[1].best.validation_accuracy)


def _describe_guarantee(about: ModelMetadata, max_error: float) -> str:
    """Return the threshold of a file as a sentence, or the guarantees that it could have."""
    threshold, rows = about.number("threshold"), about.number("calibration_digits")
    if threshold <= 1:
        return (
            f"answers from a confidence of {threshold:.3f}, for at most {max_error:.2%} of answers "
            f"wrong on digits like the {rows:,.0f} that it was calibrated on"
        )
    guarantees = about.pairs(GUARANTEES)
    valid = [error for error, threshold in guarantees if threshold <= 1]
    advice = (
        f"{valid[0]:g} can be guaranteed: --max-error {valid[0]:g}"
        if valid
        else f"Nothing up to {guarantees[-1][0]:g} can be guaranteed: give a larger --max-error"
    )
    return (
        f"it marks every digit unsure: {rows:,.0f} validation digits are too few, or "
        f"errors too many, to guarantee {max_error:.2%}. {advice}"
    )
