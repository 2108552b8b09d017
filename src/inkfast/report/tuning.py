"""The report of a search: history, importances, parallel coordinates, the best recipe."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from inkfast.experiments.config import Experiment
from inkfast.experiments.leaderboard import Leaderboard
from inkfast.experiments.tuning.plan import SearchPlan
from inkfast.experiments.tuning.space import Parameter
from inkfast.experiments.tuning.trials import SearchResult, TrialRow
from inkfast.report.comparison import render
from inkfast.report.figures import CARD, COLOURS, svg

_LISTED = 10  # trials in the table
_WIDTH, _LINES = 20, 3  # characters and lines of a label in the parallel coordinates
_WORST = "#c2c8ce"


def write_tuning_report(
    plan: SearchPlan, tuned: SearchResult, best: Experiment, board: Leaderboard, out: Path
) -> Path:
    """Write ``report.html`` into the run folder and return its path."""
    finished = tuned.finished
    content = {
        **tuned.to_json(),
        "plan": plan,
        "experiment": plan.experiment,
        "notice": board.outcome.dataset.notice,
        "headline": tuned.headline(board),
        "counts": tuned.counts(),
        "listed": finished[:_LISTED],
        "keys": [parameter.key for parameter in plan.space],
        "history": draw_history(tuned.trials),
        "importance": draw_importance(tuned.importances) if tuned.importances else "",
        "coordinates": draw_parallel_coordinates(finished, plan.space) if len(finished) > 1 else "",
        "model_spec": best.models[0],
        "test": board.rows[0],
        "n_test": len(board.outcome.dataset.test),
        "machine": board.rows[0].fits[0].trained.machine,
    }
    return render("tuning.html.j2", content, out)


def draw_history(trials: list[TrialRow]) -> str:
    """Draw every trial's validation accuracy in order, and the best so far."""

    def draw(axes: Axes) -> None:
        ends = (("finished", "o", COLOURS[0]), ("pruned", "x", _WORST), ("diverged", "v", _WORST))
        for end, marker, colour in ends:
            rows = [row for row in trials if row.end == end and np.isfinite(row.accuracy)]
            if rows:
                numbers, values = [row.number for row in rows], [row.accuracy for row in rows]
                axes.scatter(numbers, values, marker=marker, color=colour, s=24, label=end)
        finished = [row for row in trials if row.end == "finished"]
        best = np.maximum.accumulate([row.accuracy for row in finished])
        axes.step([row.number for row in finished], best, where="post", color=COLOURS[1],
                  label="best so far")  # fmt: skip
        axes.set_xlabel("trial")
        axes.set_ylabel("validation accuracy")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        # the best trials lie close together; bad ones may fall below the axis
        low = float(np.quantile([row.accuracy for row in finished], 0.1))
        top = float(best[-1])
        axes.set_ylim(low - 0.5 * (top - low) - 0.001, top + 0.1 * (top - low) + 0.001)
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
        axes.legend(loc="lower right", fontsize=9)

    return svg(draw, "validation accuracy of every trial and the best so far")


def draw_importance(shares: dict[str, float]) -> str:
    """Draw each key's share in the variance of validation accuracy."""

    def draw(axes: Axes) -> None:
        names = list(shares)[::-1]
        axes.barh(names, [shares[name] for name in names], color=COLOURS[0], height=0.6)
        axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        axes.set_xlabel("share of the variance")
        axes.grid(visible=False, axis="y")

    return svg(draw, "how much each key decides validation accuracy")


def draw_parallel_coordinates(finished: list[TrialRow], space: tuple[Parameter, ...]) -> str:
    """Draw one line for each finished trial across all keys, the best darkest."""

    def draw(axes: Axes) -> None:
        shown = [p for p in space if all(p.key in row.values for row in finished)]
        worst, best = finished[-1].accuracy, finished[0].accuracy
        for row in reversed(finished):
            rank = (row.accuracy - worst) / max(best - worst, 1e-9)
            heights = [_axis_height(p, row.values[p.key]) for p in shown] + [rank]
            first = row is finished[0]
            axes.plot(
                range(len(heights)), heights, color=COLOURS[1] if first else COLOURS[0],
                alpha=1 if first else 0.12 + 0.6 * rank**2, linewidth=2.2 if first else 1.1,
            )  # fmt: skip
        for at, parameter in enumerate(shown):
            for height, text in _axis_labels(parameter):
                _annotate(axes, text, at, height)
        for height, value in ((0.0, worst), (1.0, best)):
            _annotate(axes, f"{value:.2%}", len(shown), height)
        names = [*(p.key.replace("_", "\n") for p in shown), "validation\naccuracy"]
        axes.set_xticks(range(len(names)), names, fontsize=9)
        axes.set_xlim(-0.2, len(names) - 0.5)
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.grid(visible=True, axis="x")

    return svg(draw, "finished trials across all searched keys, the best one in orange", (10, 3.6))


def _axis_height(parameter: Parameter, value: Any) -> float:
    """Return the height of a value on its axis, in [0, 1]."""
    if parameter.choices:
        return parameter.names().index(value) / max(1, len(parameter.choices) - 1)
    low, high, here = parameter.low, parameter.high, float(value)
    if parameter.log:
        low, high, here = np.log(low), np.log(high), np.log(here)
    return float((here - low) / (high - low))


def _axis_labels(parameter: Parameter) -> list[tuple[float, str]]:
    if parameter.choices:
        most = _LINES if len(parameter.choices) <= _LINES else 1
        return [
            (_axis_height(parameter, name), _wrap_label(name, most)) for name in parameter.names()
        ]
    return [(0.0, f"{parameter.low:g}"), (1.0, f"{parameter.high:g}")]


def _wrap_label(name: str, most: int) -> str:
    """Return a name wrapped to at most `most` lines."""
    lines = textwrap.wrap(name, _WIDTH)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][: _WIDTH - 1]}…"]
    return "\n".join(lines)


def _annotate(axes: Axes, text: str, x: float, y: float) -> None:
    """Write text beside an axis on an opaque box, so that no line crosses it."""
    axes.annotate(
        text, (x, y), (5, 0), "data", "offset points", fontsize=8, va="center",
        bbox={"facecolor": CARD, "edgecolor": "none", "pad": 1},
    )  # fmt: skip
