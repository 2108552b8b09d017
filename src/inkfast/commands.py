"""What each command does, once its words have been read; prints, and raises `InkfastError`."""

from __future__ import annotations

import dataclasses
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from inkfast.errors import InkfastError, program
from inkfast.terminal import Display, folds_table, leaderboard_table, plain_table, trials_table

if TYPE_CHECKING:
    from inkfast.experiment import Experiment
    from inkfast.material import Material


_GO_ON = "interrupted; go on with the same command and --resume"


class _Console(Console):
    """A console that goes quiet, instead of ending the work, when its reader has left."""

    def on_broken_pipe(self) -> None:
        """Send what is still printed nowhere; called by rich."""
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept until the end
        self.file = sys.stdout


def _console() -> Console:
    console = _Console()
    if not console.is_terminal:
        console.width = 120  # a pipe has no width of its own
    return console


def compare(
    recipe: Path | None,
    flags: dict[str, Any],
    out: Path | None,
    engine: str | None,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Run an experiment from a file, flags over it, and write its report."""
    from inkfast import leaderboard, report, running
    from inkfast.engine import parse

    console = _console()
    display = Display(console)
    where = parse(engine or "here")
    experiment, folder, material = _prepared(_settings(recipe, flags), out, engine, display)
    prints = material.fingerprints()
    with where.open(), display.showing(where) as observer:
        running.claim_folder(folder, experiment, prints, resume=resume, overwrite=overwrite)
        outcome = running.run(experiment, material, folder, observer, where)
    if not outcome.fits:
        if outcome.diverged:
            raise outcome.diverged[0]
        display.say(_GO_ON)
        raise KeyboardInterrupt
    board = leaderboard.build(outcome)
    board.write(folder)
    page = report.write(board, folder)
    console.print(leaderboard_table(board))
    display.say(board.headline())
    for comparison in board.comparisons:
        display.say(
            f"{comparison.better} against {comparison.worse}: {'; '.join(comparison.tests)}"
        )
    display.say(f"report: {page}")
    if outcome.interrupted:
        display.say(_GO_ON)
        raise KeyboardInterrupt
    if outcome.diverged:
        raise outcome.diverged[0]


def validate(
    recipe: Path | None,
    flags: dict[str, Any],
    out: Path | None,
    engine: str | None,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Cross-validate an experiment's models and write the report."""
    from inkfast import folding, report, running
    from inkfast.data import Source
    from inkfast.engine import parse

    console = _console()
    display = Display(console)
    where = parse(engine or "here")
    experiment, folder, material = _prepared(_settings(recipe, flags), out, engine, display)
    source = Source(material.train, None, material.source, material.notice)  # no test part
    prints = folding.fingerprints(experiment, source)
    with where.open(), display.showing(where) as observer:
        running.claim_folder(folder, experiment, prints, resume=resume, overwrite=overwrite)
        result = folding.cross_validate(experiment, source, folder, observer, where)
    if not result.fits:
        display.say(_GO_ON)
        raise KeyboardInterrupt
    result.write(folder)
    page = report.write_folds(result, folder)
    console.print(folds_table(result))
    display.say(result.headline())
    for comparison in result.comparisons():
        display.say(f"{comparison.better} against {comparison.worse}: {comparison.test}")
    display.say(f"report: {page}")
    if result.interrupted:
        display.say(_GO_ON)
        raise KeyboardInterrupt


def tune(
    space: Path,
    flags: dict[str, Any],
    out: Path | None,
    engine: str | None,
    storage: str,
    *,
    resume: bool,
    overwrite: bool,
) -> None:
    """Search for the best recipe and look at the test digits with it, once."""
    from inkfast import leaderboard, report, running
    from inkfast.engine import parse
    from inkfast.files import write_json, write_text
    from inkfast.tuning import Search, read_plan

    console = _console()
    display = Display(console)
    where = parse(engine or "here")
    plan = read_plan(_settings(space, flags))
    experiment, folder, material = _prepared(dict(plan.settings), out, engine, display)
    plan = dataclasses.replace(plan, experiment=experiment)
    prints = {"kind": "tuning", "space": plan.described(), **material.fingerprints()}
    # a storage that does not answer leaves no folder; one of our own lies inside it
    search = Search(plan, material, folder, storage) if storage else None
    with where.open(), display.showing(where) as observer:
        running.claim_folder(folder, experiment, prints, resume=resume, overwrite=overwrite)
        search = search or Search(plan, material, folder)
        tuned = search.run(observer, where)
    write_json(folder / "tune.json", tuned.to_json())
    if tuned.interrupted:
        display.say(_GO_ON)
        raise KeyboardInterrupt
    best = search.best()
    write_text(folder / "best.toml", best.to_toml())
    running.claim_folder(
        folder / "best", best, material.fingerprints(),
        resume=False, overwrite=(folder / "best").exists(),
    )  # fmt: skip
    search.hand_over(best)
    with display.showing() as observer:
        outcome = running.run(best, material, folder / "best", observer)
    board = leaderboard.build(outcome)
    board.write(folder / "best")
    report.write(board, folder / "best")
    page = report.write_tuning(plan, tuned, best, board, folder)
    console.print(trials_table(tuned))
    display.say(tuned.headline(board))
    display.say(f"best recipe: {folder / 'best.toml'}")
    display.say(f"report: {page}")


def _settings(recipe: Path | None, flags: dict[str, Any]) -> dict[str, Any]:
    """Return what a file and the flags over it ask for."""
    from inkfast.experiment import read_toml

    if recipe is None:
        return flags
    settings = read_toml(recipe)
    settings.setdefault("name", recipe.stem)
    return _merged(settings, flags)


def _prepared(
    settings: dict[str, Any], out: Path | None, engine: str | None, display: Display
) -> tuple[Experiment, Path, Material]:
    """Return the experiment that settings make, where its run goes, and its digits."""
    from inkfast.experiment import from_settings
    from inkfast.material import prepare

    experiment = from_settings(settings)
    if engine is not None and experiment.threads == 0:
        # a number that is timed would give other bits from one engine to the next
        experiment = dataclasses.replace(experiment, threads=1)
    place = out or settings.get("out") or Path("runs") / experiment.name
    if not isinstance(place, str | Path):
        raise InkfastError(f"`out` must be text, got {place!r}.")
    material = prepare(experiment, display.download)
    if material.notice:
        display.say(material.notice, style="bold yellow")
    resolved = _resolved(experiment.data, material.source)
    return dataclasses.replace(experiment, data=resolved), Path(place), material


def _resolved(data: str, source: str) -> str:
    """Return the data source as the saved experiment names it: a word, or an absolute path."""
    if data == "auto":
        return source
    return str(Path(data).absolute()) if Path(data).exists() else data


def _merged(settings: dict[str, Any], flags: dict[str, Any]) -> dict[str, Any]:
    """Lay flags over a recipe file; recipe keys also over those of single models."""
    recipe = flags.get("recipe", {})
    merged = {**settings, **flags}
    if "tune" in flags and isinstance(settings.get("tune"), dict):
        merged["tune"] = {**settings["tune"], **flags["tune"]}
    common = settings.get("recipe", {})
    if recipe and isinstance(common, dict):
        merged["recipe"] = {**common, **recipe}
    if recipe and isinstance(merged.get("models"), list):
        merged["models"] = [
            {**item, **recipe} if isinstance(item, dict) else item for item in merged["models"]
        ]
    return merged


def evaluate(run: Path, data: str | None, noise: str | None, json_path: Path | None) -> None:
    """Score every finished model of a run on other digits or under other noise."""
    from inkfast import data as sources
    from inkfast import noise as noises
    from inkfast import running
    from inkfast.evaluation import score, wilson_interval
    from inkfast.files import write_json
    from inkfast.material import evaluation_digits

    console = _console()
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
    Display(_console()).say(
        f"{len(answers):,} digits read by {entry.name}, seed {model.seed} (validation accuracy "
        f"{model.best.validation_accuracy:.2%}): {to}"
    )


def explore(
    data: str, noise: str, out: Path | None, *, labels: bool, seed: int, overwrite: bool
) -> None:
    """Measure digits, write the page, and say what matters."""
    import re

    from inkfast import data as sources
    from inkfast import exploring, report
    from inkfast import noise as noises
    from inkfast.errors import check_number
    from inkfast.exploring import summary

    display = Display(_console())
    chain = noises.build(noise)  # refuse a typing mistake before anything is loaded
    check_number("seed", seed, low=0, high=2**31, whole=True)
    survey = sources.survey(data, display.download)
    if survey.source.notice:
        display.say(survey.source.notice, style="bold yellow")
    name = re.sub(r"[^\w.-]+", "-", survey.source.name)
    folder = out or Path("runs") / f"explore-{name}"
    exploring.claim_folder(folder, overwrite=overwrite)
    with display.showing() as observer:
        found = exploring.explore(
            survey, chain, seed, display.stage, observer.fit if labels else None
        )
    display.stage("writing the page")
    summary.write(found, folder)
    flags = f"--noise {shlex.quote(noise)} --seed {seed}{' --labels' if labels else ''}"
    again = shlex.quote(_resolved(data, survey.source.name))
    page = report.write_exploration(found, folder, f"inkfast explore {again} {flags}")
    for finding in exploring.findings(found):
        display.say(f"{'!' if finding.attention else '-'} {finding.text}")
    display.say(f"report: {page}")


def data_list() -> None:
    """Print the words that name data."""
    from inkfast.data import WORDS, mnist

    console = _console()
    console.print(plain_table(["source", "what it is"], [[k, v] for k, v in WORDS.items()]))
    found = mnist.find()
    where = (
        f"MNIST is here: {found}"
        if found
        else f"MNIST is not on this machine: {program()} data fetch"
    )
    Display(console).say(where)


def data_fetch() -> None:
    """Download MNIST."""
    from inkfast.data import mnist

    display = Display(_console())
    folder = mnist.fetch(display.download)
    display.say(f"MNIST is here, checked: {folder}")


def data_verify(folder: Path | None) -> None:
    """Check MNIST's files."""
    from inkfast.data import mnist

    place = folder or mnist.find()
    if place is None:
        raise InkfastError(f"MNIST is not on this machine; get it with: {program()} data fetch")
    console = _console()
    found = mnist.verify(place)
    console.print(plain_table(["file", "state"], [[n, s] for n, s in found]), soft_wrap=True)
    bad = [name for name, state in found if state != "ok"]
    if bad:
        raise InkfastError(
            f"{len(bad)} of {len(found)} files in {place} are not good: {', '.join(bad)}."
        )


def noise_list() -> None:
    """Print every corruption and preset."""
    from inkfast.noise import NOISES, NOTES, PRESETS

    rows = []
    for cls in NOISES:
        defaults = ", ".join(f"{f.name}={f.default!r}" for f in dataclasses.fields(cls))
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([f"{cls.name}({defaults})", summary])
    console = _console()
    console.print(plain_table(["corruption", "what it does"], rows))
    console.print()
    console.print(plain_table(["preset", "chain"], [[k, v] for k, v in PRESETS.items()]))
    for name, note in NOTES.items():
        Display(console).say(f"{name}: {note}")


def noise_show(text: str, data: str, out: Path | None) -> None:
    """Write a picture of digits under a corruption at several strengths."""
    import re

    from inkfast import data as sources
    from inkfast import noise as noises
    from inkfast.report import noise_picture

    display = Display(_console())
    noises.build(text)  # refuse a typing mistake before anything is loaded
    source = sources.load(data, display.download)
    path = out or Path((re.sub(r"[^\w.-]+", "-", text).strip("-") or "none") + ".png")
    noise_picture.write(text, source.test or source.train, path)
    display.say(f"picture: {path}")


def models_list() -> None:
    """Print every architecture with its size."""
    from inkfast.models import MODELS, summarise

    rows = []
    for cls in MODELS:
        summary = summarise(cls())
        size = (f"{summary.parameters:,}", f"{summary.flops / 1e6:.1f} M") if summary else _BY_ROWS
        first = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([cls.name, *size, first])
    _console().print(plain_table(["model", "parameters", "FLOPs", "what it is"], rows))


_BY_ROWS = ("by the rows", "by the rows")  # the size of a baseline that grows with them


def models_show(text: str) -> None:
    """Print an architecture, where it comes from and its layers."""
    from inkfast import models

    architecture = models.build(text)
    console = _console()
    display = Display(console)
    display.say(str(architecture), style="bold")
    display.say(f"source: {architecture.source}")
    summary = models.summarise(architecture)
    if summary is None:
        assert isinstance(architecture, models.Baseline)  # noqa: S101 - no other lacks a summary
        display.say(f"grows with the training rows: {architecture.grows}")
        return
    rows = [
        [row.name, " x ".join(map(str, row.output)), f"{row.parameters:,}"]
        for row in summary.layers
    ]
    console.print(plain_table(["layer", "output", "parameters"], rows))
    display.say(
        f"{summary.parameters:,} parameters, {summary.flops / 1e6:.2f} million FLOPs per image"
    )
