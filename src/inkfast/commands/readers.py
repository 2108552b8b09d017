"""What `evaluate` and `predict` do once their words have been read."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from inkfast.commands.console import open_console
from inkfast.terminal import Display, plain_table


def evaluate(run: Path, data: str | None, noise: str | None, json_path: Path | None) -> None:
    """Score every finished model of a run on other digits or under other noise."""
    from inkfast import data as sources
    from inkfast import noise as noises
    from inkfast import running
    from inkfast.evaluation import score, wilson_interval
    from inkfast.files import write_json
    from inkfast.material import evaluation_digits

    console = open_console()
    display = Display(console)
    experiment, trained = running.load_models(run)
    asked = dataclasses.replace(
        experiment,
        data=experiment.data if data is None else data,
        noise=experiment.noise if noise is None else noises.build(noise).name,
    )
    source = sources.load(asked.data, display.download)
    if source.notice:
        display.say(source.notice, style="bold yellow")
    digits = evaluation_digits(asked, source, run, same_data=data is None)
    rows, figures = [], []
    for entry, model in trained:
        scores = score(model.probabilities(digits), digits.known_labels)
        low, high = wilson_interval(scores.accuracy, scores.n)
        interval = f"{100 * low:.2f} to {100 * high:.2f}"
        rows.append([
            entry.name, model.seed, f"{scores.accuracy:.2%}", interval, f"{scores.loss:.4f}",
            f"{scores.ece:.2%}",
        ])  # fmt: skip
        figures.append({
            "model": entry.name, "seed": model.seed, "accuracy": scores.accuracy,
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


def predict(data: str, run: Path, to: Path | None) -> None:
    """Write ``ImageId,Label`` lines, ids from 1 in the order of the data."""
    from inkfast import data as sources
    from inkfast import running
    from inkfast.files import write_text

    _, trained = running.load_models(run)
    entry, model = max(trained, key=lambda pair: pair[1].best.validation_accuracy)
    digits = sources.load(data).train
    answers = model.probabilities(digits).argmax(axis=1)
    lines = [f"{row},{label}" for row, label in enumerate(answers.tolist(), start=1)]
    text = "\n".join(["ImageId,Label", *lines]) + "\n"
    if to is None:
        sys.stdout.write(text)
        return
    write_text(to, text)
    Display(open_console()).say(
        f"{len(answers):,} digits read by {entry.name}, seed {model.seed} (validation accuracy "
        f"{model.best.validation_accuracy:.2%}): {to}"
    )
