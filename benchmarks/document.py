"""Write what is not typed: the figures of README.md and docs, and whole pages.

    .venv/bin/python benchmarks/document.py

Figures come from the benchmarks' JSON, docs/models.md from the code; the tables of README.md,
docs/benchmarks.md and docs/model-card.md are in `pages`. Tests compare each document with what this
writes, so no figure is typed or forgotten.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from pages import filled
from tables import machine_of, result, threads

from inkfast.models import MODELS, Architecture, Baseline, summarise
from inkfast.training import Recipe

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- measured: [^>]*-->\n).*?(<!-- end of measured -->)", re.DOTALL)


def sources_page(page: str) -> str:
    """Return docs/sources.md with its tables made anew, one for each recipe that was run."""
    lines: list[str] = []
    for found in result("sources")["recipes"]:
        noise = "clean" if found["noise"] == "none" else f"{found['noise']} noise"
        held = "held-out digits" if "validate" in found["command"] else "test digits"
        lines += [
            f"### [{found['recipe']}](../recipes/{found['recipe']}.toml)", "",
            f"`{found['command']}`, {found['n_test']:,} {held}, {noise}", "",
            "| model | published | measured | n | from published | a fit |",
            "|---|---|---|---|---|---|",
            *(_replication(row) for row in found["rows"]), "", *_ours_apart(found),
        ]  # fmt: skip
    if missing := result("sources")["not_measured"]:
        lines += [f"Recipes that are there and not measured yet: {', '.join(missing)}.", ""]
    lines += [
        f"Measured on {machine_of(result('sources')['recipes'][0])}. A fit had one thread unless a "
        "row says otherwise, and shared the machine with other work: seconds are an upper bound.",
        "",
    ]  # fmt: skip
    made = "\n".join(lines)
    return BLOCK.sub(lambda match: match[1] + "\n" + made + match[2], page)


def _ours_apart(found: dict[str, Any]) -> list[str]:
    """Return a sentence on each pair of our own models: how far apart, and whether it is real."""
    ours = {row["model"] for row in found["rows"] if row["published"] is None}
    return [
        f"{pair['better']} against {pair['worse']}: {100 * pair['difference']:+.2f} points, "
        + ("a real difference" if pair["real"] else "no difference that these runs can tell")
        + f" (p = {pair['p_value']:.2g}).\n"
        for pair in found["comparisons"]
        if {pair["better"], pair["worse"]} <= ours
    ]


def _replication(row: dict[str, Any]) -> str:
    accuracy, published, std = row["accuracy"], row["published"], row["std"]
    apart = "ours" if published is None else f"{100 * (accuracy['mean'] - published):+.2f} points"
    if published is not None and std:
        apart += f" ({(accuracy['mean'] - published) / std:+.1f} sd)"
    measured = f"{accuracy['mean']:.2%}" + (f" ± {100 * std:.2f}" if std else "")
    more = f", {threads(row['threads'])}" if row["threads"] > 1 else ""
    cells = [
        f"**{row['model']}**" if published is None else row["model"],
        "" if published is None else f"{published:.2%}",
        measured, str(accuracy["n"]), apart,
        f"{row['seconds']['median']:.0f} s{more}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def models_page() -> str:
    """Return docs/models.md: a table of every model, its parameters, and the recipe keys."""
    listed = [cls() for cls in MODELS]
    networks = [model for model in listed if not isinstance(model, Baseline)]
    baselines = [model for model in listed if isinstance(model, Baseline)]
    lines = [
        "# Models", "",
        "<!-- made by benchmarks/document.py from the registry, do not edit -->", "",
        "Reference of every architecture and every recipe key, for anyone who writes a model spec "
        "such as `mlp(hidden=[256, 128])` or a recipe. Parameter counts and FLOPs are those of the "
        "defaults; a multiply-add counts as two FLOPs.",
        "", "## Networks", "", *_table(networks), "", "## Baselines of scikit-learn", "",
        *_prose(Baseline), "", *_table(baselines),
        "", "## Parameters", "",
        "Every network also takes `init`, the initialisation of its weights: `torch`, or Keras' "
        "`glorot` or `he`. Every baseline also takes `copies`.", "",
    ]  # fmt: skip
    for model in listed:
        lines += [f"### {model.name}", "", f"`{model}`", "", *_prose(type(model)), ""]
        lines += [f"- `{name}`: {text}" for name, text in _told(type(model)).items()] + [""]
    lines += [
        "## Recipe keys", "",
        "Keys of `--set`, of `[recipe]` and of each `[[models]]` table in a TOML file, with the "
        "default in parentheses; a model may have other defaults. A run's `experiment.toml` holds "
        "the resolved value of every key.", "",
        *(f"- `{name}`{_stands(name, text)}: {text}" for name, text in _told(Recipe).items()),
    ]  # fmt: skip
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _stands(name: str, text: str) -> str:
    """Return a recipe key's default in brackets, nothing where its text says what it hangs on."""
    return "" if "when not given" in text else f" ({getattr(Recipe(), name)})"


def _table(models: list[Any]) -> list[str]:
    grows = isinstance(models[0], Baseline)
    head = ["model", "what it is", "parameters", "FLOPs per image", "source"]
    head[4:4] = ["grows with the training rows"] if grows else []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for model in models:
        summary = summarise(model)
        size = (
            (f"{summary.parameters:,}", f"{summary.flops:,}")
            if summary
            else ("by the rows", "by the rows")
        )
        first = _prose(type(model))[0].split(". ")[0].rstrip(".")
        cells = [f"`{model.name}`", first, *size, *([model.grows] if grows else []), model.source]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _prose(cls: type[Architecture]) -> list[str]:
    """Return the paragraphs of a class's docstring that come before its parameters."""
    text = inspect.cleandoc(cls.__doc__ or "").split("\nAttributes:")[0].replace("``", "`")
    parts = [" ".join(part.split()) for part in text.split("\n\n")]
    return [line for part in parts for line in (part, "")][:-1]


def _told(cls: type[Architecture] | type[Recipe]) -> dict[str, str]:
    """Return what a class's docstring says of each parameter."""
    _, _, text = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
    entries = re.split(r"\n    (?=\w+: )", "\n" + text)[1:]
    named = (model_spec.split(": ", 1) for model_spec in entries)
    return {name: " ".join(words.replace("``", "`").split()) for name, words in named}


if __name__ == "__main__":
    (ROOT / "docs" / "models.md").write_text(models_page(), encoding="utf-8")
    path = ROOT / "docs" / "sources.md"
    path.write_text(sources_page(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name in ("README.md", "docs/benchmarks.md", "docs/model-card.md"):
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
