"""What `explore` and the `data`, `noise` and `models` commands do."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path

from inkfast.commands.console import Printer, open_console, plain_table
from inkfast.core.errors import InkfastError, command_name, install_hint


def explore(
    data: str, noise: str, out: Path | None, *, labels: bool, seed: int, overwrite: bool
) -> None:
    """Measure digits, write the page, and say what matters."""
    from inkfast import data as sources
    from inkfast import exploration, report
    from inkfast import noise as noises
    from inkfast.commands.progress import Display
    from inkfast.core.errors import check_number
    from inkfast.exploration import summary

    display = Display(open_console())
    chain = noises.build_noise(noise)  # refuse a typing mistake before anything is loaded
    check_number("seed", seed, low=0, high=2**31, whole=True)
    survey = sources.survey(data, display.download)
    if survey.source.notice:
        display.say(survey.source.notice, style="bold yellow")
    name = re.sub(r"[^\w.-]+", "-", survey.source.name)
    folder = out or Path("runs") / f"explore-{name}"
    exploration.EXPLORATION.claim(folder, overwrite=overwrite)
    with display.showing() as observer:
        found = exploration.explore(
            survey, chain, seed, display.stage, observer.on_fit_start if labels else None
        )
    display.stage("writing the page")
    summary.write_summary(found, folder)
    flags = f"--noise {shlex.quote(noise)} --seed {seed}{' --labels' if labels else ''}"
    again = shlex.quote(sources.asked_again(data, survey.source.name))
    page = report.write_exploration(found, folder, f"inkfast explore {again} {flags}")
    for finding in exploration.findings(found):
        display.say(f"{'!' if finding.attention else '-'} {finding.text}")
    display.say(f"report: {page}")


def data_list() -> None:
    """Print the words that name data."""
    from inkfast.data import describe_sources, mnist

    console = open_console()
    console.print(
        plain_table(["source", "what it is"], [[k, v] for k, v in describe_sources().items()])
    )
    try:
        found = mnist.find_mnist()
    except ModuleNotFoundError:  # of what is always installed, nothing loads digits to train on
        where = f"To load these, install what trains and measures too, {install_hint('train')}"
    else:
        where = (
            f"MNIST is here: {found}"
            if found
            else f"MNIST is not on this machine: {command_name()} data fetch"
        )
    Printer(console).say(where)


def data_fetch() -> None:
    """Download MNIST."""
    from inkfast.data import mnist

    display = Printer(open_console())
    folder = mnist.fetch_mnist(display.download)
    display.say(f"MNIST is here, checked: {folder}")


def data_verify(folder: Path | None) -> None:
    """Check MNIST's files."""
    from inkfast.data import mnist

    place = folder or mnist.find_mnist()
    if place is None:
        raise InkfastError(
            f"MNIST is not on this machine; get it with: {command_name()} data fetch"
        )
    console = open_console()
    found = mnist.verify_mnist(place)
    console.print(plain_table(["file", "state"], [[n, s] for n, s in found]), soft_wrap=True)
    bad = [name for name, state in found if state != "ok"]
    if bad:
        raise InkfastError(
            f"{len(bad)} of {len(found)} files in {place} are not good: {', '.join(bad)}."
        )


def noise_list() -> None:
    """Print every corruption and preset."""
    from inkfast.noise import MNIST_C, NOISES, NOTES, PRESETS, SUITES

    rows = []
    for cls in NOISES:
        defaults = ", ".join(f"{f.name}={f.default!r}" for f in dataclasses.fields(cls))
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([f"{cls.name}({defaults})", summary])
    console = open_console()
    console.print(plain_table(["corruption", "what it does"], rows))
    console.print()
    console.print(plain_table(["preset", "chain"], [[k, _short(v)] for k, v in PRESETS.items()]))
    for name, note in NOTES.items():
        Printer(console).say(f"{name}: {note}")
    console.print()
    severities = [
        [
            f"{name}(severity={levels.published})",
            "ours" if levels.ours else "published",
            _short(levels.chains[levels.published - 1]),
        ]
        for name, levels in MNIST_C.items()
    ]
    title = ["corruption at its published severity, of 1 to 5", "other severities", "chain"]
    console.print(plain_table(title, severities))
    Printer(console).say(f"suites of `inkfast robustness`: {', '.join(SUITES)}")


def _short(chain: str) -> str:
    """Return a chain with its numbers cut to four digits, to be looked at."""
    return re.sub(r"\d+\.\d{5,}", lambda match: f"{float(match[0]):.4g}", chain)


def noise_show(text: str, data: str, out: Path | None, *, overwrite: bool) -> None:
    """Write a picture of digits under a corruption at several strengths."""
    from inkfast import data as sources
    from inkfast import noise as noises
    from inkfast.core.io import check_free
    from inkfast.report import noise_figure

    display = Printer(open_console())
    noises.build_noise(text)  # refuse a typing mistake before anything is loaded
    path = out or Path((re.sub(r"[^\w.-]+", "-", text).strip("-") or "none") + ".png")
    check_free(path, overwrite=overwrite)
    source = sources.load(data, display.download)
    noise_figure.write_noise_figure(text, source.test or source.train, path)
    display.say(f"picture: {path}")


def models_list() -> None:
    """Print every architecture with its size."""
    from inkfast.models import MODELS, summarise

    rows = []
    for cls in MODELS:
        summary = summarise(cls())
        size = (f"{summary.parameters:,}", _millions(summary.flops)) if summary else _BY_ROWS
        first = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([cls.name, *size, first])
    open_console().print(plain_table(["model", "parameters", "FLOPs", "what it is"], rows))


def _millions(flops: int) -> str:
    """Return them in millions; two digits of what is less than one."""
    return f"{flops / 1e6:.{1 if flops >= 1e6 else 2}f} M"


_BY_ROWS = ("by the rows", "by the rows")  # the size of a baseline that grows with them


def models_show(text: str) -> None:
    """Print an architecture, where it comes from and its layers."""
    from inkfast import models

    architecture = models.build_model(text)
    console = open_console()
    display = Printer(console)
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
