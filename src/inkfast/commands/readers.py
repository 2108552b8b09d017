"""What `evaluate` and `export` do once their words have been read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from inkfast.commands.console import Printer, open_console, plain_table
from inkfast.inference.classifier import About


def evaluate(
    run: Path, data: str | None, noise: str | None, json_path: Path | None, *, overwrite: bool
) -> None:
    """Score every finished model of a run on other digits or under other noise."""
    from inkfast import data as sources
    from inkfast import noise as noises
    from inkfast.core.io import check_free, write_json
    from inkfast.evaluation import score, wilson_interval
    from inkfast.experiments import run_folder
    from inkfast.experiments.dataset import load_evaluation_digits

    if json_path:
        check_free(json_path, overwrite=overwrite)
    console = open_console()
    display = Printer(console)
    experiment, trained = run_folder.load_models(run)
    asked = dataclasses.replace(
        experiment,
        data=experiment.data if data is None else data,
        noise=experiment.noise if noise is None else noises.build_noise(noise).name,
    )
    source = sources.load(asked.data, display.download)
    if source.notice:
        display.say(source.notice, style="bold yellow")
    digits = load_evaluation_digits(asked, source, run, same_data=data is None)
    rows, figures = [], []
    for model_spec, model in trained:
        scores = score(model.probabilities(digits), digits.known_labels)
        low, high = wilson_interval(scores.accuracy, scores.n)
        interval = f"{100 * low:.2f} to {100 * high:.2f}"
        rows.append([
            model_spec.name, model.seed, f"{scores.accuracy:.2%}", interval, f"{scores.loss:.4f}",
            f"{scores.ece:.2%}",
        ])  # fmt: skip
        figures.append({
            "model": model_spec.name, "seed": model.seed, "accuracy": scores.accuracy,
            "accuracy_ci95": [low, high], "loss": scores.loss, "ece": scores.ece, "n": scores.n,
        })  # fmt: skip
    display.say(f"{len(digits):,} digits: {digits.name}", style="bold")
    console.print(plain_table(["model", "seed", "accuracy", "95 % interval", "loss", "ECE"], rows))
    if json_path:
        content = {
            "data": asked.data, "noise": asked.noise, "fingerprint": digits.fingerprint,
            "rows": figures,
        }  # fmt: skip
        write_json(json_path, content)


def is_onnx(path: Path) -> bool:
    """Return whether a path names an ONNX file rather than a run folder."""
    return path.suffix.lower() == ".onnx"


def export(
    run: Path, name: str | None, to: str, max_error: float, *,
    int8: bool, checks: list[str], overwrite: bool,
) -> None:  # fmt: skip
    """Write the run's best network on validation, or the best of one name, as an ONNX file."""
    from inkfast import data as sources
    from inkfast.core.errors import InkfastError, check_number, unknown_name
    from inkfast.core.io import check_free
    from inkfast.experiments import onnx_export, run_folder
    from inkfast.experiments.dataset import load_run_data
    from inkfast.models import Network

    check_number("max_error", max_error, above=0, high=0.999)
    int8 = int8 or to == "onnx-int8"
    path = Path(to)
    if to in ("onnx", "onnx-int8"):
        path = run / ("reader-int8.onnx" if int8 else "reader.onnx")
    if not is_onnx(path):
        raise InkfastError(f"`to` must be onnx, onnx-int8 or a file that ends in .onnx, got {to}.")
    for place in (path, path.with_suffix(".json")):
        check_free(place, overwrite=overwrite)
    display = Printer(open_console())
    experiment, trained = run_folder.load_models(run)
    names = list(dict.fromkeys(model_spec.name for model_spec, _ in trained))
    if name is not None and name not in names:
        raise unknown_name("model", name, names)
    chosen = [pair for pair in trained if name == pair[0].name]
    if name is None:
        chosen = [pair for pair in trained if isinstance(pair[0].architecture, Network)]
        if not chosen:
            raise InkfastError(f"no model of {run} is a network: only networks are exported.")
    model_spec, model = max(chosen, key=lambda pair: pair[1].best.validation_accuracy)
    source = sources.load(experiment.data, display.download)
    dataset = load_run_data(experiment, source, run)
    given = [sources.load(check, display.download) for check in checks]
    others = [part for one in given for part in (one.train, one.test) if part is not None]
    classifier, told = onnx_export.export_onnx(
        model_spec, model, experiment, dataset, path, max_error, int8=int8, checks=others
    )
    display.say(
        f"{path}: {model_spec.name}, seed {model.seed} (validation accuracy "
        f"{model.best.validation_accuracy:.2%}), {path.stat().st_size / 1e6:.2f} MB"
    )
    for sentence in told:
        display.say(sentence)
    display.say(_promised(classifier.about, max_error))


def _promised(about: About, max_error: float) -> str:
    """Say from which confidence a file answers, or that it answers nothing and what it could."""
    sure, rows = about.number("threshold"), about.number("calibration_digits")
    if sure <= 1:
        return (
            f"answers from a confidence of {sure:.3f}, for at most {max_error:.2%} of answers "
            f"wrong on digits like the {rows:,.0f} that it was calibrated on"
        )
    promises = about.pairs("promises")
    kept = [error for error, threshold in promises if threshold <= 1]
    able = (
        f"{kept[0]:g} can be promised: --max-error {kept[0]:g}"
        if kept
        else f"Nothing up to {promises[-1][0]:g} can be: give a larger --max-error"
    )
    return (
        f"it answers nothing, every digit is unsure: {rows:,.0f} validation digits are too few, or "
        f"errors too many, to promise {max_error:.2%}. {able}"
    )
