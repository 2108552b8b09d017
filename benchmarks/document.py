"""Write the measured figures into README.md, from the JSON that the benchmarks left.

    .venv/bin/python benchmarks/document.py

A test compares README.md with what this makes, so a figure can be neither typed nor forgotten.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- measured: [^>]*-->\n).*?(<!-- end of measured -->)", re.DOTALL)


def rows() -> list[tuple[str, str, str]]:
    """Return what was measured, the figure with n and spread, and the command."""
    noisy, clean, noise, help_ = (
        _result(name) for name in ("noisy_mnist", "time_to_99", "noise_throughput", "help_seconds")
    )
    made = []
    for model in noisy["models"]:
        accuracy = model["accuracy"]
        made.append((
            f"noisy-mnist, {model['model']}, defaults",
            f"{accuracy['mean']:.2%} of 10,000 noisy test digits "
            f"({accuracy['min']:.2%} to {accuracy['max']:.2%}, n = {accuracy['n']} seeds); "
            f"published {model['published']}",
            noisy["command"],
        ))  # fmt: skip
    both = noisy["training_seconds_together"]
    made.append((
        "both trained in",
        f"{both['median']:.0f} s together "
        f"({both['min']:.0f} to {both['max']:.0f}, n = {both['n']})",
        noisy["command"],
    ))  # fmt: skip
    training, process = clean["training_seconds"], clean["process_seconds"]
    made.append((
        "clean MNIST to 99.0 %",
        f"{training['median']:.1f} s of training ({training['min']:.1f} to {training['max']:.1f}), "
        f"{process['median']:.0f} s for the whole process from cold to report; "
        f"{clean['seeds_at_99']} of {training['n']} seeds reach it, "
        f"mean {clean['accuracy']['mean']:.2%}",
        clean["command"],
    ))  # fmt: skip
    ratio, speed = noise["ratio"], noise["inkfast_images_per_second"]
    made.append((
        "noise, against Keras' ImageDataGenerator",
        f"{ratio['median']:.0f} times as fast ({ratio['min']:.0f} to {ratio['max']:.0f}, "
        f"n = {ratio['n']} pairs side by side): {speed['median']:,.0f} images/s",
        noise["command"],
    ))  # fmt: skip
    made.append((
        "`inkfast --help`",
        f"{help_['seconds']['median']:.2f} s ({help_['seconds']['min']:.2f} to "
        f"{help_['seconds']['max']:.2f}, n = {help_['seconds']['n']})",
        help_["command"],
    ))  # fmt: skip
    return made


def block() -> str:
    """Return the table as Markdown, with the machine below it."""
    lines = ["| what | measured | command |", "|---|---|---|"]
    lines += [f"| {what} | {figure} | `{command}` |" for what, figure, command in rows()]
    machine = _result("noisy_mnist")["machine"]
    lines += [
        "",
        f"Measured on {machine['cores']} cores of an {machine['processor']} processor, torch "
        f"{machine['torch']}, Python {machine['python']}. It is shared: ratios hold better "
        "than seconds. Training seconds are epochs with their validation; loading, choosing the "
        "number of threads and writing checkpoints come on top.",
        "",
    ]
    return "\n".join(lines)


def documented(readme: str) -> str:
    """Return the README with its measured block made anew."""
    return BLOCK.sub(lambda match: match[1] + "\n" + block() + match[2], readme)


def _result(name: str) -> dict[str, Any]:
    text = (ROOT / "benchmarks" / "results" / f"{name}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(documented(path.read_text(encoding="utf-8")), encoding="utf-8")
