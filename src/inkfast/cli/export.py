"""`inkfast export`: a network of a run as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from inkfast import data as sources
from inkfast.cli import options
from inkfast.cli._console import Printer, open_console
from inkfast.cli._export_numbers import export_number_run
from inkfast.cli._guarantees import describe_guarantee
from inkfast.cli._models import is_onnx
from inkfast.core.errors import InkfastError, check_number, unknown_name
from inkfast.core.io import check_free
from inkfast.experiments import onnx_export, run_folder
from inkfast.experiments.config import ModelSpec
from inkfast.experiments.dataset import load_run_data
from inkfast.experiments.number_run import is_number_run
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
            help="onnx (RUN/reader.onnx, or RUN/numbers.onnx if it reads numbers), onnx-int8 "
            "(RUN/reader-int8.onnx: 8-bit weights, smaller and faster, nearly the same "
            "predictions), or a file name that ends in .onnx."
        ),
    ] = "onnx",
    max_error: Annotated[
        float,
        typer.Option(
            help="Largest share of errors among the digits that are not marked unsure; if it "
            "cannot be guaranteed, the smallest that can."
        ),
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
    if is_number_run(run):
        export_number_run(run, model, to, max_error, check, overwrite=overwrite)
        return
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
    printer.say(describe_guarantee(classifier.metadata, max_error))


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
