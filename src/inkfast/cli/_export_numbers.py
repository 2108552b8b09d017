"""What `inkfast export` does for a run with a network that reads numbers."""

from __future__ import annotations

from pathlib import Path

from inkfast.cli._console import Printer, open_console
from inkfast.cli._guarantees import describe_guarantee
from inkfast.cli._models import is_onnx
from inkfast.core.errors import InkfastError, unknown_name
from inkfast.core.io import check_free
from inkfast.experiments.number_export import export_numbers
from inkfast.experiments.number_run import load_number_run


def export_number_run(
    run: Path, model: str | None, to: str, max_error: float, check: list[str] | None, *,
    overwrite: bool,
) -> None:  # fmt: skip
    """Write the network of a run as one ONNX file, and say what it guarantees."""
    path = run / "numbers.onnx" if to == "onnx" else Path(to)
    if check or not is_onnx(path):
        raise InkfastError(
            "a network that reads numbers is exported with `--to onnx` or a file that ends in "
            f".onnx, without --check; got --to {to}{' --check' if check else ''}."
        )
    for file in (path, path.with_suffix(".json")):
        check_free(file, overwrite=overwrite)
    experiment, trained = load_number_run(run)
    if model not in (None, experiment.architecture.name):
        raise unknown_name("model", str(model), [experiment.architecture.name])
    printer = Printer(open_console())
    network, parity = export_numbers(experiment, trained, run, path, max_error)
    printer.say(
        f"{path}: {experiment.architecture.name}, seed {trained.seed} (validation accuracy "
        f"{trained.best.validation_accuracy:.2%}), {path.stat().st_size / 1e6:.2f} MB"
    )
    printer.say(parity)
    printer.say(describe_guarantee(network.metadata, max_error, "strip"))
