"""The table of mutation tests in docs/benchmarks.md: what was changed, and what no test noticed."""

from __future__ import annotations

from typing import Any

from tools.markdown import format_percent, format_table

# Survivors that no test can kill: their line, the code before and after, and why they behave alike.
EQUIVALENT = {
    (
        "areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]",
        "count + 1",
        "(count - 1)",
    ): "every label occurs, so the counts reach the last one anyway",
    ("p = mcnemar(a[0], b[0])", "0", "-1"): "the first row of a single row is its last",
    (
        "while left > 0 and (chunk := file.read(min(left, _CHUNK))):",
        "left > 0",
        "(left >= 0)",
    ): "reading 0 bytes ends the loop as well",
    (
        'names = [name.strip().strip(\'"\') for name in file.readline(1 << 16).split(",")]',
        "16",
        "15",
    ): "every valid header is shorter than both limits",
    ("return Digits(images.reshape(-1, SIDE, SIDE), labels.astype(np.int64), name)", "1", "2"): (
        "NumPy takes any negative length for the unknown one"
    ),
}


def mutants_table(found: dict[str, Any]) -> list[str]:
    """Return the counts of each package, and every mutant that survives."""
    rows = [_counts(room["room"], room["sampled"], room["mutants"]) for room in found["rooms"]]
    sampled = [row for room in found["rooms"] for row in room["sampled"]]
    rows.append(_counts("all", sampled, sum(room["mutants"] for room in found["rooms"])))
    head = [
        "package",
        "possible",
        "sampled",
        "survived at first",
        "survive now",
        "of them equivalent",
    ]
    survivors = [row for row in sampled if row["outcome"] == "passed"]
    alive = sum(_reason(row) == "" for row in survivors) / len(sampled)
    return [
        *format_table(head, rows), "",
        f"{format_percent(alive, 1)} of the sampled mutants survive that are not equivalent. "
        "A mutant counts as killed if a test of its own package fails or exceeds a time limit; "
        "those that survived at first and not now were killed by tests written for them.", "",
        *format_table(["survivor", "change", "reason"], [_survivor(row) for row in survivors]),
    ]  # fmt: skip


def _counts(name: str, rows: list[dict[str, Any]], possible: int) -> list[str]:
    alive = [row for row in rows if row["outcome"] == "passed"]
    later = sum(row["outcome"] == "failed later" for row in rows)
    equivalent = sum(_reason(row) != "" for row in alive)
    return [name, *(f"{count:,}" for count in (
        possible, len(rows), len(alive) + later, len(alive), equivalent))]  # fmt: skip


def _reason(row: dict[str, Any]) -> str:
    return EQUIVALENT.get((row["code"], row["before"], row["after"]), "")


def _survivor(row: dict[str, Any]) -> list[str]:
    before, after = (" ".join(row[key].split()).replace("|", "\\|") for key in ("before", "after"))
    name = row["file"].removeprefix("src/inkfast/")
    return [f"`{name}:{row['line']}`", f"`{before}` to `{after}`", _reason(row) or "not tested"]
