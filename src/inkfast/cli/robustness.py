"""`inkfast robustness`: measure models under a suite of published corruptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast import data as sources
from inkfast.cli import options
from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.cli._models import is_onnx
from inkfast.core.errors import InkfastError, check_number
from inkfast.core.io import write_json
from inkfast.evaluation.robustness import PROTOCOLS, suite_noises
from inkfast.experiments import robustness as bench
from inkfast.experiments import run_folder
from inkfast.experiments.dataset import load_run_data
from inkfast.experiments.robustness import FIGURES_FILE, PICTURE_FILE, RobustnessSpec
from inkfast.inference.onnx_classifier import OnnxClassifier
from inkfast.report import robustness_figure

_VALIDATION = "--validation measures a run folder on its own digits: leave --data out."


def robustness(
    model: Annotated[
        Path, typer.Argument(help="Run folder, or an .onnx file with 28x28 input.", metavar="MODEL")
    ],
    suite: Annotated[
        str, typer.Option(help="Suite: mnist-c, mnist-c-severities, n-mnist or noisy-mnist.")
    ] = "mnist-c",
    data: options.Data = None,
    max_error: Annotated[
        float | None,
        typer.Option(
            help="Largest share of errors among digits not marked unsure; of a run folder.",
            show_default="0.01",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence below which digits are unsure; of an ONNX file.",
            show_default="its own",
        ),
    ] = None,
    onnx_format: options.OnnxFormatText = "",
    validation: Annotated[
        bool,
        typer.Option(
            "--validation", help="Measure on validation rows, for choosing between models."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the corruptions.")] = 0,
    threads: Annotated[int, typer.Option(help="Threads of an ONNX file; 0 uses all cores.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="Output folder.", show_default="runs/robustness-MODEL-SUITE"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.")
    ] = False,
) -> None:
    """Measure accuracy under published corruptions: MNIST-C, n-MNIST, noisy-mnist."""
    suite_noises(suite)
    share = 0.01 if max_error is None else max_error
    check_number("max_error", share, above=0, high=0.999)
    check_number("seed", seed, low=0, high=2**31, whole=True)
    check_number("threads", threads, low=0, high=1024, whole=True)
    if threshold is not None:
        check_number("threshold", threshold, low=0, high=1)
    if is_onnx(model):
        _check_onnx_options(model, max_error, validation=validation)
    else:
        _check_run_options(threshold, threads, data, onnx_format, validation=validation)
    rows = "-validation" if validation else ""
    name = model.resolve().stem if is_onnx(model) else model.resolve().name
    folder = out or Path("runs") / f"robustness-{name}-{suite}{rows}"
    bench.ROBUSTNESS.check(folder, overwrite=overwrite)
    printer = Printer(open_console())
    if is_onnx(model):
        source = sources.load(data or "auto", printer.download)
        printer.notice(source.notice)
        classifier = OnnxClassifier.open(model, threads, onnx_format)
        printer.notice(classifier.notice)
        spec = bench.robustness_of_onnx(
            classifier, source, suite=suite, seed=seed, threshold=threshold
        )
    else:
        spec = _of_run(
            model, data, printer, suite=suite, seed=seed, max_error=share, validation=validation
        )
    bench.ROBUSTNESS.claim(folder, overwrite=overwrite)  # before minutes of measuring
    _report(bench.measure_robustness(spec, printer.stage), folder, printer)


def _check_onnx_options(model: Path, max_error: float | None, *, validation: bool) -> None:
    if max_error is not None:
        raise InkfastError(
            f"{model} keeps the error guarantee of its export: leave --max-error out, or give "
            "--threshold."
        )
    if validation:
        raise InkfastError(_VALIDATION)


def _check_run_options(
    threshold: float | None, threads: int, data: str | None, onnx_format: str, *, validation: bool
) -> None:
    if threshold is not None or threads or onnx_format:
        raise InkfastError(
            "--threshold, --threads and --onnx-format are for an ONNX file: for a run folder, give "
            "--max-error."
        )
    if validation and data is not None:
        raise InkfastError(_VALIDATION)


def _of_run(
    run: Path, data: str | None, printer: Printer, *, suite: str, seed: int, max_error: float,
    validation: bool,
) -> RobustnessSpec:  # fmt: skip
    """Return the spec of a run's models on its own test digits, or on `data`."""
    experiment, trained = run_folder.load_models(run)
    source = sources.load(data or experiment.data, printer.download)
    dataset = None
    try:
        dataset = load_run_data(experiment, source, run)
        digits = dataset.clean
    except InkfastError:
        if data is None:
            raise
        try:
            home = sources.load(experiment.data, printer.download)
            dataset = load_run_data(experiment, home, run)
        except InkfastError as error:
            printer.say(f"No digit is marked unsure, since no threshold can be fitted: {error}")
        digits = bench.without_training_images(source.test or source.train, dataset)
    printer.notice(source.notice)
    _ = digits.known_labels
    return bench.robustness_of_run(
        experiment, trained, dataset, digits, bench.run_weights(run), suite=suite, seed=seed,
        max_error=max_error, validation=validation,
    )  # fmt: skip


def _report(result: dict[str, Any], folder: Path, printer: Printer) -> None:
    """Write the results, and print them as a table with a summary of each model."""
    write_json(folder / FIGURES_FILE, result)
    robustness_figure.write_robustness_figure(result, folder / PICTURE_FILE)
    title = ["model", "noise", "accuracy", "95 % interval", "ECE", "answered", "wrong of those"]
    rows = [
        [
            row["model"], row["noise"], _share(row["accuracy"]),
            " to ".join(f"{100 * end:.2f}" for end in row["accuracy_ci95"]),
            *(_share(row[key]) for key in ("ece", "coverage", "error")),
        ]
        for row in result["rows"]
    ]  # fmt: skip
    printer.console.print(plain_table(title, rows))
    sizes = sorted({f"{row['n']:,}" for row in result["rows"]})
    printer.say(f"{' or '.join(sizes)} digits, each corrupted once: {result['digits']}")
    noises = len(result["rows"]) // len(result["models"]) - 1  # clean is none
    for one in result["models"]:
        label = one["protocol"]
        meaning = f": {PROTOCOLS[label]}" if label in PROTOCOLS else ""
        printer.say(
            f"{one['model']}: clean {one['clean']:.2%}, mean of {noises} {one['mean']:.2%}, worst "
            f"{one['worst']:.2%} ({one['worst_noise']}). Training protocol {label}{meaning}."
        )
        clean = next(row for row in result["rows"] if row["model"] == one["model"])
        if one["set_coverage"] is not None:
            printer.say(
                f"  prediction sets for {result['prediction_sets']:.0%} hold the right digit for "
                f"{clean['set_coverage']:.2%} of clean digits ({clean['set_size']:.2f} classes "
                f"each) and {one['set_coverage']:.2%} under noise ({one['set_size']:.2f} each)"
            )
    printer.say(f"results: {folder}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
