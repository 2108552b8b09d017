"""Measured results: the JSON files that the benchmarks recorded, and the machines they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PUBLISHED = {  # recipe: the best published figure, and whose
    "generic": "89.76 % (protocol ii, arXiv 2408.11309)",
    "n-mnist-awgn": "98.43 % (PCGAN-CHAR 2019)",
    "n-mnist-motion-blur": "99.20 % (PCGAN-CHAR 2019)",
    "n-mnist-contrast-awgn": "97.25 % (PCGAN-CHAR 2019)",
    "tiny": "over 99.4 % with 7,070 parameters, selected on test digits",
    "dense-best": "99.65 % with 12 million weights and 800 epochs (Ciresan 2010)",
}


def load_result(name: str) -> dict[str, Any]:
    """Return what a benchmark recorded, {} if it has not been run."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def find_suite(run: str, suite: str) -> dict[str, Any]:
    """Return the scores of a run under a corruption suite, {} if they were not measured."""
    found = load_result("recipes").get("suites", [])
    return next((one for one in found if (one["run"], one["suite"]) == (run, suite)), {})


def find_fit(recipe: str, model: str | None = None) -> dict[str, Any]:
    """Return what a recipe's model reached over its seeds, the first model if none is named.

    Raises:
        StopIteration: It was not measured.
    """
    found = [*load_result("sources").get("recipes", []), *load_result("recipes").get("recipes", [])]
    rows = next(one["rows"] for one in found if one["recipe"] == recipe)
    row: dict[str, Any] = next(row for row in rows if model in (None, row["model"]))
    return row


def describe_machine(found: dict[str, Any]) -> str:
    """Return the processor and the torch version of a result."""
    machine = found["machine"]
    return (
        f"{machine['cores']} cores of an {machine['processor']} ({describe_instructions(found)}), "
        f"torch {machine['torch']}"
    )


def describe_instructions(found: dict[str, Any]) -> str:
    """Return the instruction sets that tell processors of one name apart."""
    return str(found["machine"].get("instructions", "bf16"))  # older results were all taken with it


def describe_origin(found: dict[str, Any]) -> str:
    """Return a sentence that names the command and the machine of a result."""
    return f"`{found['command']}`, on {describe_machine(found)}."


def describe_earlier_handwriting() -> str:
    """Return where the handwriting was measured if not by the reader's last call, else ""."""
    machine = load_result("reader").get("handwriting_machine")
    if not machine:
        return ""
    on = describe_machine({"machine": machine})
    return f"An earlier call measured it, on the same file, on {on}."
