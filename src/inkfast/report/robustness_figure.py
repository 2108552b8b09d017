"""The figure of `inkfast robustness`: accuracy per corruption, or over its severities."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inkfast.core.io import write_bytes
from inkfast.noise import MNIST_C
from inkfast.report.figures import COLOURS

_STYLE = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "grid.alpha": 0.3,
    "text.parse_math": False, "legend.frameon": False,
}  # fmt: skip


def write_robustness_figure(result: dict[str, Any], path: Path) -> None:
    """Write the figure of robustness results as PNG."""
    draw = draw_severity_curves if result["suite"].endswith("-severities") else draw_intervals
    with mpl.rc_context(_STYLE):
        buffer = io.BytesIO()
        draw(result).savefig(buffer, format="png", dpi=150, facecolor="white")
    write_bytes(path, buffer.getvalue())


def _colours_and_labels(result: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the colour and legend label of each model."""
    return {
        one["model"]: (
            COLOURS[place % len(COLOURS)],
            f"{one['model']} (protocol {one['protocol']}), mean {one['mean']:.1%}",
        )
        for place, one in enumerate(result["models"])
    }


def draw_intervals(result: dict[str, Any]) -> Figure:
    """Draw accuracy under each corruption, one dot with its 95 % interval per model."""
    names = list(dict.fromkeys(row["noise"] for row in result["rows"]))
    figure = Figure(figsize=(8, 0.32 * len(names) + 0.3 * len(result["models"]) + 1.3))
    axes = figure.subplots()
    lines = len(result["models"])
    for place, (model, (colour, label)) in enumerate(_colours_and_labels(result).items()):
        rows = [row for row in result["rows"] if row["model"] == model]
        height = [names.index(row["noise"]) + (place - (lines - 1) / 2) * 0.16 for row in rows]
        values = [row["accuracy"] for row in rows]
        low = [max(0, row["accuracy"] - row["accuracy_ci95"][0]) for row in rows]
        high = [max(0, row["accuracy_ci95"][1] - row["accuracy"]) for row in rows]
        axes.errorbar(values, height, xerr=[low, high], fmt="o", ms=5, color=colour, label=label)
    axes.set_yticks(range(len(names)), [_short_noise_name(name) for name in names])
    axes.invert_yaxis()
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=None))
    axes.set_xlabel(f"accuracy on {result['rows'][0]['n']:,} digits, with its 95 % interval")
    _legend_above(figure)
    return figure


def draw_severity_curves(result: dict[str, Any]) -> Figure:
    """Draw accuracy against severity, one panel per corruption, one curve per model."""
    figure = Figure(figsize=(11, 0.3 * len(result["models"]) + 7))
    grid = figure.subplots(3, 5, sharex=True, sharey=True)
    for axes, (name, levels) in zip(grid.flat, MNIST_C.items(), strict=True):
        for model, (colour, label) in _colours_and_labels(result).items():
            rows = {row["noise"]: row for row in result["rows"] if row["model"] == model}
            severities = (rows[f"{name}(severity={severity})"] for severity in range(1, 6))
            values = [rows["clean"], *severities]
            accuracy = [row["accuracy"] for row in values]
            axes.plot(range(6), accuracy, "o-", ms=3, color=colour, label=label)
        _style_panel(axes, _short_noise_name(name), levels.published)
    for axes in grid[:, 0]:
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    grid[2, 2].set_xlabel("severity; 0 is clean, the grey line is the benchmark's")
    _legend_above(figure)
    return figure


def _style_panel(axes: Axes, title: str, published: int) -> None:
    axes.set_title(title, fontsize=10)
    axes.axvline(published, color="0.7", linewidth=1, zorder=0)
    axes.grid(axis="y")
    axes.set_xticks(range(6))


def _legend_above(figure: Figure) -> None:
    """Put the legend above the panels, one line per model."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    inches = 0.25 * len(labels) + 0.15
    top = 1 - inches / figure.get_figheight()
    figure.legend(handles, labels, loc="upper left", fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, top))


def _short_noise_name(name: str) -> str:
    return name.removeprefix("mnist-c-").replace("-", " ")
