"""Charts as inline SVG that take the colours, font and width of the page."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inkfast.evaluation import reliability
from inkfast.experiments.leaderboard import LeaderboardRow

# Distinguishable with the common colour-vision deficiencies, on white and on near-black.
COLOURS = ("#2a7de1", "#e0762b", "#1f9e77", "#b455a8", "#c9a20c", "#7a8793")
INK = "#123457"  # stands for the page's text colour and is replaced by currentColor
CARD = "#765432"  # stands for what a chart lies on
# a training loss below this, of a model that has memorized its rows, would stretch the axis
_MIN_DRAWN_LOSS = 1e-4
_STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a model's name may hold a dollar sign
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "legend.frameon": False,
}


def draw_learning_curve(rows: list[LeaderboardRow], figure: str) -> str:
    """Draw accuracy or loss per epoch of every model's first seed, training dashed."""

    def draw(axes: Axes) -> None:
        for row, colour in zip(rows, model_colours(len(rows)), strict=True):
            history = row.fits[0].trained.history
            epochs = [epoch.number for epoch in history]
            validation = [getattr(epoch, f"validation_{figure}") for epoch in history]
            training = [getattr(epoch, figure) for epoch in history]
            once = len(history) == 1  # a line of one point is invisible
            marks: dict[str, Any] = {"marker": "D" if once else "o", "markersize": 6 if once else 3}
            axes.plot(epochs, validation, color=colour, label=_short_model_name(row.name), **marks)
            if not once:
                axes.plot(epochs, training, color=colour, linestyle="--", linewidth=1)
            elif training[0] >= _MIN_DRAWN_LOSS:
                axes.plot(epochs, training, color=colour, fillstyle="none", **marks)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{figure}{' (nats)' if figure == 'loss' else ''}")
        _whole_epochs(axes)
        if figure == "loss":
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
            low, high = axes.get_ylim()
            if high < 4 * low:  # a logarithmic axis this short would have no number
                axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
        else:
            axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
        axes.legend(loc="best", fontsize=9)

    return svg(draw, f"{figure} per epoch, validation solid, training dashed")


def draw_confidence(row: LeaderboardRow, labels: np.ndarray, colour: str) -> str:
    """Draw a histogram of confidence, correct and wrong predictions apart."""
    probabilities = np.concatenate([fit.probabilities for fit in row.fits])
    answers, truth = probabilities.argmax(axis=1), np.tile(labels, len(row.fits))

    def draw(axes: Axes) -> None:
        edges = np.linspace(0, 1, 21).tolist()
        given = probabilities.max(axis=1)
        right = answers == truth
        axes.hist(given[right], edges, color=colour, alpha=0.75, label="correct")
        axes.hist(given[~right], edges, color="#d1425b", alpha=0.75, label="wrong")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        axes.set_xlabel("confidence")
        axes.set_ylabel("digits")
        axes.legend(loc="best", fontsize=9)

    return svg(draw, f"{row.name}: histogram of confidence, correct and wrong predictions")


def draw_calibration(rows: list[LeaderboardRow], labels: np.ndarray) -> str:
    """Draw accuracy against confidence for every model; the diagonal is perfect."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for row, colour in zip(rows, model_colours(len(rows)), strict=True):
            probabilities = np.concatenate([fit.probabilities for fit in row.fits])
            bins = reliability(probabilities, np.tile(labels, len(row.fits)))
            shown = bins.counts >= 10  # a share of fewer is too uncertain
            axes.plot(
                bins.confidence[shown], bins.accuracy[shown], color=colour, marker="o",
                markersize=4, label=f"{_short_model_name(row.name)} (ECE {row.mean('ece'):.2%})",
            )  # fmt: skip
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("confidence")
        axes.set_ylabel("accuracy")
        axes.legend(loc="upper left", fontsize=9)

    return svg(draw, "accuracy against confidence for every model")


def draw_fold_accuracy(accuracy: dict[str, list[float]]) -> str:
    """Draw one dot for each fold of every model, and a line at the model's mean."""

    def draw(axes: Axes) -> None:
        for row, (values, colour) in enumerate(
            zip(accuracy.values(), model_colours(len(accuracy)), strict=True)
        ):
            axes.scatter(values, [row] * len(values), color=colour, s=28, alpha=0.75, linewidth=0)
            axes.vlines(float(np.mean(values)), row - 0.25, row + 0.25, color=colour, linewidth=2)
        axes.set_yticks(range(len(accuracy)), [_short_model_name(name) for name in accuracy])
        axes.set_ylim(len(accuracy) - 0.5, -0.5)
        axes.xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1))
        axes.locator_params(axis="x", nbins=5)
        axes.grid(visible=True, axis="x")

    return svg(draw, "accuracy of every fold, a line at the mean")


def draw_fold_curves(histories: dict[str, list[list[float]]]) -> str:
    """Draw validation accuracy per epoch, one line for each fold."""

    def draw(axes: Axes) -> None:
        for (name, folds), colour in zip(
            histories.items(), model_colours(len(histories)), strict=True
        ):
            for index, values in enumerate(folds):
                label = None if index else _short_model_name(name)
                epochs = range(1, len(values) + 1)
                mark = "D" if len(values) == 1 else None
                axes.plot(
                    epochs, values, color=colour, linewidth=1, alpha=0.8, label=label, marker=mark
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation accuracy")
        axes.set_ylim(top=min(axes.get_ylim()[1], 1.003))  # no share lies above 100 %
        _whole_epochs(axes)
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        axes.legend(loc="lower right", fontsize=9)

    return svg(draw, "validation accuracy per epoch for every fold")


def _whole_epochs(axes: Axes) -> None:
    """Put ticks at whole epochs only; around a single epoch matplotlib would show fractions."""
    low, high = axes.get_xlim()
    if high - low < 1:
        axes.set_xlim(0.5, 1.5)
        axes.set_xticks([1])
    else:
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))


def _short_model_name(name: str) -> str:
    """Return a name for a legend; the leading space keeps names that begin with `_` visible."""
    return f" {name}" if len(name) <= 28 else f" {name[:27]}…"


def model_colours(n: int) -> list[str]:
    """Return a colour for each of `n` models."""
    return [COLOURS[i % len(COLOURS)] for i in range(n)]


def svg(
    draw: Callable[[Axes], None], description: str, size: tuple[float, float] = (5.2, 3.5)
) -> str:
    """Return a chart of `size` inches as an `<svg>` element with the page's own text colour."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": description}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the page's own font draws the text
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="y")
        draw(axes)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(INK, "currentColor").replace(CARD, "var(--card)")
    drawn = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn, count=1)
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"font: ([^;\"]*?)'?sans-serif'?[^;\"]*", r"font: \1inherit-family", drawn)
    drawn = drawn.replace("inherit-family", "system-ui, sans-serif")
    return drawn.replace("<svg", f'<svg role="img" aria-label="{html.escape(description)}"', 1)
