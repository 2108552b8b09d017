"""Tables of the best results beside published ones, and of the defaults."""

from __future__ import annotations

from typing import Any

from tools.markdown import format_percent, format_range, format_table
from tools.results import (
    PUBLISHED,
    describe_earlier_handwriting,
    describe_origin,
    find_suite,
    load_result,
)

SHIPPED = "flagship"  # the recipe of the shipped reader
HANDWRITING_SETS = {
    "own digits": "people's own images (used in choosing)",
    "phone, left out": "photographs left out of training",
    "bhmsds, as it is, left out": "scans left out of training",
}
_NOISY = "noisy-mnist (rotation, shift, zoom, brightness)"
_BEST = {  # recipe and model: the task; best published figure, and whose
    "kaggle-tuned inkfast cnn": (
        "clean MNIST, CNN",
        "99.64 % (Deotte), 99.83 % (Byerly, selected on test digits); ensembles 99.745 % (Deotte, "
        "of 15), 99.91 % (An, selected on test digits)",
    ),
    "dense-best dense": ("clean MNIST, dense layers only", PUBLISHED["dense-best"]),
    "noisy-best inkfast cnn": (f"{_NOISY}, CNN", "96.73 % (the noisy-mnist project)"),
    "noisy-best-dense inkfast dense": (
        f"{_NOISY}, dense layers only",
        "86.5 % (the noisy-mnist project)",
    ),
}


def headline() -> list[str]:
    """Return the main results beside the best published ones."""
    rows = [*_network_rows(), *_suite_rows(), *_handwriting_rows()]
    head = ["task", "network", "accuracy", "evaluated on", "published"]
    return format_table(head, rows) if rows else []


def brief() -> list[str]:
    """Return the rows of the main results that matter to a newcomer, for the README."""
    rows = [
        [what, figure.partition(";")[0], on, best.partition(";")[0]]
        for what, _, figure, on, best in (
            *_network_rows(), *_suite_rows(), *_handwriting_rows()[:1])
        if "dense" not in what
    ]  # fmt: skip
    return format_table(["task", "accuracy", "evaluated on", "published"], rows) if rows else []


def _network_rows() -> list[list[str]]:
    """Return a row for each recipe of ``_BEST`` that was run."""
    rows = []
    for found in [*load_result("sources").get("recipes", []),
                  *load_result("recipes").get("recipes", [])]:  # fmt: skip
        for row in found["rows"]:
            if (key := f"{found['recipe']} {row['model']}") not in _BEST:
                continue
            what, published = _BEST[key]
            seeds, figure = row["accuracy"]["n"], format_percent(row["accuracy"]["mean"])
            if row.get("averaged"):
                figure += f"; ensemble of {seeds} {format_percent(row['averaged'])}"
            on = f"{seeds} seeds, {found['n_test']:,} test digits each"
            rows.append([what, _link(found["recipe"]), figure, on, published])
    return rows


def _suite_rows() -> list[list[str]]:
    """Return a row for each recipe that was evaluated under MNIST-C's corruptions."""
    rows = []
    for run, training in (
        (SHIPPED, "trained under them"),
        ("generic", "generic augmentation only"),
    ):
        if suite := find_suite(run, "mnist-c"):
            one, first = suite["models"][0], suite["rows"][0]
            rows.append([
                f"MNIST-C, mean of its 15 corruptions, {training}", _link(run),
                f"{format_percent(one['mean'])}, clean {format_percent(one['clean'])}",
                f"{first['seeds']} seeds, {first['n']:,} test digits each", PUBLISHED.get(run, ""),
            ])  # fmt: skip
    return rows


def _handwriting_rows() -> list[list[str]]:
    """Return a row for each set of other people's handwriting that was read."""
    when = ", an earlier call" if describe_earlier_handwriting() else ""
    return [
        [
            f"other people's handwriting, {HANDWRITING_SETS[row['set']]}",
            "the shipped reader", format_percent(row["accuracy"]), f"{row['n']:,} digits{when}", "",
        ]
        for row in load_result("reader").get("handwriting", [])
        if row["set"] in HANDWRITING_SETS
    ]  # fmt: skip


def _link(recipe: str) -> str:
    """Return a link to a recipe from a page of docs."""
    link = f"[{recipe}](../recipes/{recipe}.toml)"
    return f"recipe of the shipped reader, {link}" if recipe == SHIPPED else f"recipe {link}"


def defaults() -> list[str]:
    """Return what networks reach with default settings, and the start-up time of the command."""
    noisy, help_ = load_result("noisy_mnist"), load_result("help_seconds")
    if not noisy or not help_:
        return []
    start_up = "start of the command line, `inkfast --help`"
    rows = [
        *(_default_row(one, noisy) for one in noisy["models"]),
        ["training both, one after the other",
         format_range(noisy["training_seconds_together"], "{:.0f} s"), ""],
        [start_up, format_range(help_["seconds"], "{:.2f} s"), ""],
    ]  # fmt: skip
    return [
        *format_table(["what", "measured", "published"], rows), "",
        "Training time is that of the epochs with their validation; loading data, choosing the "
        "number of threads and writing checkpoints come on top. "
        f"{describe_origin(noisy)} {describe_origin(help_)}",
    ]  # fmt: skip


def _default_row(model: dict[str, Any], noisy: dict[str, Any]) -> list[str]:
    found = model["accuracy"]
    low, mean, high = (format_percent(found[key]) for key in ("min", "mean", "max"))
    on = f"{noisy['n_test']:,} " if "n_test" in noisy else ""  # an older result does not say
    return [
        f"accuracy of `{model['model']}`",
        f"{mean} ({low} to {high}, n = {found['n']} seeds) of {on}noisy test digits",
        f"{model['published']}",
    ]
