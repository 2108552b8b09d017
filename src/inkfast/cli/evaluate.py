"""`inkfast evaluate`: score the models of a run on other digits or under other noise."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from inkfast import data as sources
from inkfast import noise as noises
from inkfast.cli import options
from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.core.intervals import wilson_interval
from inkfast.core.io import check_free, write_json
from inkfast.evaluation import score
from inkfast.experiments import run_folder
from inkfast.experiments.dataset import load_evaluation_digits


def evaluate(
    run: options.RunFolder,
    data: options.Data = None,
    noise: options.Noise = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="JSON file for the scores.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing --json file.")
    ] = False,
) -> None:
    """Score the models of a run on other digits or under other noise."""
    if json_path:
        check_free(json_path, overwrite=overwrite)
    printer = Printer(open_console())
    experiment, trained = run_folder.load_models(run)
    asked = dataclasses.replace(
        experiment,
        data=experiment.data if data is None else data,
        noise=experiment.noise if noise is None else noises.build_noise(noise).name,
    )
    source = sources.load(asked.data, printer.download)
    printer.notice(source.notice)
    digits = load_evaluation_digits(asked, source, run, same_data=data is None)
    figures: list[dict[str, Any]] = []
    for model_spec, model in trained:
        scores = score(model.probabilities(digits), digits.known_labels)
        interval = wilson_interval(scores.accuracy, scores.n)
        figures.append({
            "model": model_spec.name, "seed": model.seed, "accuracy": scores.accuracy,
            "accuracy_ci95": list(interval), "loss": scores.loss, "ece": scores.ece, "n": scores.n,
        })  # fmt: skip
    printer.say(f"{len(digits):,} digits: {digits.name}", style="bold")
    title = ["model", "seed", "accuracy", "95 % interval", "loss", "ECE"]
    printer.console.print(plain_table(title, [_cells(row) for row in figures]))
    if json_path:
        content = {
            "data": asked.data, "noise": asked.noise, "fingerprint": digits.fingerprint,
            "rows": figures,
        }  # fmt: skip
        write_json(json_path, content)


def _cells(row: dict[str, Any]) -> list[Any]:
    low, high = row["accuracy_ci95"]
    return [
        row["model"], row["seed"], f"{row['accuracy']:.2%}", f"{100 * low:.2f} to {100 * high:.2f}",
        f"{row['loss']:.4f}", f"{row['ece']:.2%}",
    ]  # fmt: skip
