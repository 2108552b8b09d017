"""Real handwriting: inkfast beside RapidOCR and Tesseract on the same files, one thread each.

    python benchmarks/handwriting.py --data FOLDER
    python benchmarks/handwriting.py --data FOLDER --only cheques --systems inkfast --sheets x/

All sets and programs together are recorded in results/handwriting.json. A selection prints its
figures alone. Contact sheets of what was not read right are written in both cases; images of
unknown licence must not enter the repository, so they go to runs/, which git ignores.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handwriting_judging import OUTCOMES, Answer, judge, summarize
from handwriting_sets import SETS, Folders, HandwritingSet, MissingSetError, Sample, spread_out
from handwriting_sheets import write_sheets
from handwriting_systems import SYSTEMS, Inkfast, MissingSystemError, Setting, System, prepare
from measured import ROOT, record, spread

from inkfast.core.io import sha256
from inkfast.inference.reader import SHIPPED_FOLDER

MOST = 1000  # images of a set
CHUNK = 25  # images that a program reads before the next one reads them
TRIED = 50  # images on which the setting of another program is chosen


class Reading:
    """What one program says of a set, and how long it takes for each chunk of images."""

    def __init__(self, system: System, setting: Setting, chosen: list[dict[str, Any]]) -> None:
        self.system, self.setting, self.chosen = system, setting, chosen
        self.answers: list[Answer] = []
        self.milliseconds: list[float] = []

    def read(self, paths: Sequence[Path], images: HandwritingSet) -> None:
        """Read a chunk of images."""
        start = time.perf_counter()
        self.answers += self.system.read(paths, images, self.setting)
        self.milliseconds.append(1e3 * (time.perf_counter() - start) / len(paths))

    def figures(self, samples: Sequence[Sample], images: HandwritingSet) -> dict[str, Any]:
        """Return the shares of outcomes and the milliseconds per image."""
        truths, groups = [one.truth for one in samples], [one.group for one in samples]
        return {
            "system": self.system.name, "setting": self.setting.name, "settings": self.chosen,
            **summarize(self.answers, truths, groups, images.keep),
            "milliseconds": spread(self.milliseconds),
        }  # fmt: skip


class ImageFiles:
    """Files of a set's images, as they are and as prepared for another program."""

    def __init__(self, samples: Sequence[Sample], folder: Path) -> None:
        self._samples, self._folder = samples, folder
        folder.mkdir()

    def paths(self, rows: Sequence[int], setting: Setting) -> list[Path]:
        """Return the files that a setting reads."""
        return [
            self._prepared(row) if setting.prepared else self._samples[row].path for row in rows
        ]

    def _prepared(self, row: int) -> Path:
        path = self._folder / f"{row}.png"
        return path if path.exists() else prepare(self._samples[row].path, path)


def choose_setting(
    system: System, images: HandwritingSet, samples: Sequence[Sample], files: ImageFiles
) -> Reading:
    """Return a reading with the setting that reads most of some images right."""
    settings = system.settings(images)
    if len(settings) == 1:
        return Reading(system, settings[0], [])
    rows = spread_out(list(range(len(samples))), TRIED)
    tried = []
    for setting in settings:
        answers = system.read(files.paths(rows, setting), images, setting)
        right = sum(
            judge(answer, samples[row].truth, images.keep) == "right"
            for answer, row in zip(answers, rows, strict=True)
        )
        tried.append({"setting": setting.name, "right": right, "n": len(rows)})
    best = max(range(len(settings)), key=lambda place: tried[place]["right"])
    return Reading(system, settings[best], tried)


def measure_set(
    images: HandwritingSet, samples: Sequence[Sample], systems: Sequence[System], scratch: Path
) -> list[Reading]:
    """Let every program read the images, chunk by chunk in turn."""
    files = ImageFiles(samples, scratch / f"{images.name}-prepared")
    readings = [choose_setting(system, images, samples, files) for system in systems]
    for start in range(0, len(samples), CHUNK):
        rows = range(start, min(start + CHUNK, len(samples)))
        for reading in readings:
            reading.read(files.paths(rows, reading.setting), images)
    return readings


def measure(arguments: argparse.Namespace, systems: Sequence[System]) -> dict[str, Any]:
    """Measure the sets that are there; return their figures, and why others are left out."""
    measured, left_out = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folders = Folders(arguments.data, arguments.cases, Path(scratch))
        for images in SETS:
            if arguments.only and images.name not in arguments.only:
                continue
            try:
                samples = spread_out(images.load(folders), arguments.most)
            except MissingSetError as missing:
                left_out.append({"set": images.name, "reason": str(missing)})
                say(f"{images.name}: left out: {missing}")
                continue
            readings = measure_set(images, samples, systems, folders.scratch)
            measured.append(describe_set(images, samples, readings))
            for reading in readings:
                write_sheets(
                    arguments.sheets, images, reading.system.name, samples, reading.answers
                )
    return {"sets": measured, "left_out": left_out}


def describe_set(
    images: HandwritingSet, samples: Sequence[Sample], readings: Sequence[Reading]
) -> dict[str, Any]:
    """Return what a set is and the figures on it; print them."""
    figures = [reading.figures(samples, images) for reading in readings]
    for one in figures:
        say(f"{images.name}: {summary_line(one)}")
    groups = len({sample.group for sample in samples}) if images.groups else None
    return {
        "set": images.name, "images": len(samples), "kind": images.kind, "about": images.about,
        "licence": images.licence, "use": images.use, "compared": images.keep,
        "mean_over": images.groups, "groups": groups, "systems": figures,
    }  # fmt: skip


def summary_line(figures: dict[str, Any]) -> str:
    """Return the figures of a program on a set, on one line."""
    shares = []
    for name in (*OUTCOMES, "best_guess_right"):
        low, high = figures[name]["ci95"]
        value = f"{100 * figures[name]['value']:.1f} %"
        shares.append(f"{name.replace('_', ' ')} {value} ({100 * low:.1f} to {100 * high:.1f})")
    return (
        f"{figures['system']} [{figures['setting']}], n = {figures['n']}: {', '.join(shares)}, "
        f"{figures['milliseconds']['median']:.1f} ms"
    )


def say(sentence: str) -> None:
    """Print a sentence at once."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def open_systems(
    names: Sequence[str], model: str | None
) -> tuple[list[System], list[dict[str, str]]]:
    """Return the programs that are installed, and why others are left out."""
    systems: list[System] = []
    left_out = []
    for name in names:
        try:
            systems.append(Inkfast(model) if name == "inkfast" else SYSTEMS[name]())
        except MissingSystemError as missing:
            left_out.append({"system": name, "reason": str(missing)})
            say(f"{name}: left out: {missing}")
    return systems, left_out


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments; folders inside the repository may not hold sheets, except runs/."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder per set")
    parser.add_argument("--cases", type=Path, help="folder of small inputs; DATA/../cases")
    names = [images.name for images in SETS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="SET", help=", ".join(names))
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, help="all by default")
    parser.add_argument("--most", type=int, default=MOST, help="images of a set, evenly spaced")
    parser.add_argument("--model", help="network or .onnx file instead of those of the commands")
    parser.add_argument("--sheets", type=Path, default=ROOT / "runs" / "handwriting",
                        help="folder for contact sheets and answers; runs/handwriting")  # fmt: skip
    arguments = parser.parse_args(words)
    arguments.cases = arguments.cases or arguments.data.resolve().parent / "cases"
    if not arguments.data.is_dir():
        parser.error(f"--data: expected a folder, got {arguments.data}.")
    if arguments.most < 1:
        parser.error(f"--most: expected at least 1, got {arguments.most}.")
    inside = arguments.sheets.resolve()
    if inside.is_relative_to(ROOT) and not inside.is_relative_to(ROOT / "runs"):
        parser.error(f"--sheets: choose a folder outside the repository or in runs/, not {inside}.")
    return arguments


def main() -> None:
    """Measure, and record the figures unless only some were asked for."""
    arguments = parse_arguments()
    os.environ["INKFAST_DATA"] = str(arguments.data)
    systems, missing = open_systems(arguments.systems or list(SYSTEMS), arguments.model)
    found = measure(arguments, systems)
    say(f"Contact sheets and answers: {arguments.sheets}")
    if arguments.only or arguments.systems or arguments.model:
        return
    networks = sorted(SHIPPED_FOLDER.rglob("*.onnx"))
    about = {
        "versions": {name: text for one in systems for name, text in one.versions.items()},
        "networks": {
            path.relative_to(SHIPPED_FOLDER).as_posix(): sha256(path.read_bytes())
            for path in networks
        },
        "threads": 1, "chunk": CHUNK, "tried": TRIED, "systems_left_out": missing,
    }  # fmt: skip
    most = f" --most {arguments.most}" if arguments.most != MOST else ""
    command = f"python benchmarks/handwriting.py --data FOLDER{most}"
    record("handwriting", command, about | found)


if __name__ == "__main__":
    main()
