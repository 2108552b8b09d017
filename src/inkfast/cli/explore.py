"""`inkfast explore`: analyse digits before training."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from inkfast import data as sources
from inkfast import exploration, report
from inkfast import noise as noises
from inkfast.cli._console import open_console
from inkfast.cli._progress import Display
from inkfast.core.errors import check_number
from inkfast.exploration import summary


def explore(
    data: Annotated[
        str,
        typer.Argument(help="Data source: a name from `inkfast data list`, a file or a folder."),
    ] = "auto",
    noise: Annotated[
        str, typer.Option(help="Noise to compare with the clean digits: a preset, a chain or none.")
    ] = "noisy-mnist",
    labels: Annotated[
        bool, typer.Option("--labels", help="Also search for label errors; trains small networks.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of samples, noise and folds.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Output folder.", show_default="runs/explore-DATA")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the exploration in the folder.")
    ] = False,
) -> None:
    """Analyse digits before training: classes, pixels, copies, overlap, label errors."""
    display = Display(open_console())
    chain = noises.build_noise(noise)  # so that a typing mistake is refused before data is loaded
    check_number("seed", seed, low=0, high=2**31, whole=True)
    survey = sources.survey(data, display.download)
    display.notice(survey.source.notice)
    name = re.sub(r"[^\w.-]+", "-", survey.source.name)
    folder = out or Path("runs") / f"explore-{name}"
    exploration.EXPLORATION.claim(folder, overwrite=overwrite)
    with display.showing() as observer:
        found = exploration.explore_digits(
            survey, chain, seed, display.stage, observer if labels else None
        )
    display.stage("writing the page")
    summary.write_summary(found, folder)
    flags = f"--noise {shlex.quote(noise)} --seed {seed}{' --labels' if labels else ''}"
    again = shlex.quote(sources.resolved_source(data, survey.source.name))
    page = report.write_exploration_report(found, folder, f"inkfast explore {again} {flags}")
    for finding in exploration.findings(found):
        display.say(f"{'!' if finding.attention else '-'} {finding.text}")
    display.say(f"report: {page}")
