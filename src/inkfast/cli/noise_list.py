"""`inkfast noise list`: corruptions, presets, severity levels and suites by name."""

from __future__ import annotations

import dataclasses
import re

from inkfast.cli._console import Printer, open_console, plain_table
from inkfast.noise import MNIST_C, NOISES, NOTES, PRESETS, SUITES


def noise_list() -> None:
    """List corruptions with their parameters, presets and suites."""
    rows = []
    for cls in NOISES:
        defaults = ", ".join(f"{f.name}={f.default!r}" for f in dataclasses.fields(cls))
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        rows.append([f"{cls.name}({defaults})", summary])
    console = open_console()
    printer = Printer(console)
    console.print(plain_table(["corruption", "what it does"], rows))
    console.print()
    presets = [[name, _rounded(chain)] for name, chain in PRESETS.items()]
    console.print(plain_table(["preset", "chain"], presets))
    for name, note in NOTES.items():
        printer.say(f"{name}: {note}")
    console.print()
    severities = [
        [
            f"{name}(severity={levels.published})",
            "ours" if levels.ours else "published",
            _rounded(levels.chains[levels.published - 1]),
        ]
        for name, levels in MNIST_C.items()
    ]
    title = ["corruption at its published severity, of 1 to 5", "other severities", "chain"]
    console.print(plain_table(title, severities))
    printer.say(f"suites of `inkfast robustness`: {', '.join(SUITES)}")


def _rounded(chain: str) -> str:
    """Return a chain with its numbers rounded to four significant digits."""
    return re.sub(r"\d+\.\d{5,}", lambda match: f"{float(match[0]):.4g}", chain)
