"""Charts of an exploration."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from inkfast.core.digits import CLASSES
from inkfast.exploration.classes import Floats, PixelStats
from inkfast.exploration.structure import Components
from inkfast.report.figures import COLOURS, INK, svg

# One per digit, distinguishable on white and on near-black.
DIGIT_COLOURS = (
    "#2a7de1", "#e0762b", "#1f9e77", "#d1425b", "#b455a8", "#a0764a", "#e58fc4", "#7a8793",
    "#c9a20c", "#26b5c9",
)  # fmt: skip
_MOST_DOTS = 4000
_DOTS_PER_INCH = 220  # dots are rasterized: thousands of SVG shapes make a page slow
_BINS = 32


def draw_class_counts(counts: dict[str, list[int]]) -> str:
    """Draw how many digits each class has, the parts side by side."""
    width = 0.8 / len(counts)

    def draw(axes: Axes) -> None:
        for place, (part, values) in enumerate(counts.items()):
            x = np.arange(CLASSES) + (place - (len(counts) - 1) / 2) * width
            axes.bar(x, values, width * 0.92, color=COLOURS[place], label=part, zorder=2)
        axes.set_xticks(range(CLASSES))
        axes.set_xlabel("digit")
        axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
        if len(counts) > 1:
            axes.legend(loc="upper right", ncols=2, fontsize=9)
            axes.set_ylim(0, 1.18 * max(map(max, counts.values())))

    return svg(draw, "bar chart of class counts")


def draw_class_shares(counts: list[int]) -> str:
    """Draw the share of each class of the training digits."""
    present = [digit for digit in range(CLASSES) if counts[digit]]

    def draw(axes: Axes) -> None:
        axes.pie(
            [counts[digit] for digit in present],
            labels=[f"{digit}" for digit in present],
            colors=[DIGIT_COLOURS[digit] for digit in present],
            autopct=lambda share: f"{share:.1f}%" if share >= 4 else "",
            pctdistance=0.78, labeldistance=1.06, startangle=90, counterclock=False,
            textprops={"fontsize": 9}, wedgeprops={"width": 0.5, "alpha": 0.85},
        )  # fmt: skip

    return svg(draw, "pie chart of class shares of the training digits", (4.4, 2.95))


def draw_pixel_histogram(clean: PixelStats, corrupted: PixelStats | None) -> str:
    """Draw a histogram of pixel values."""

    def draw(axes: Axes) -> None:
        pairs = [("clean", clean)] + ([("noisy", corrupted)] if corrupted else [])
        edges = np.linspace(0, 1, _BINS + 1)
        for (name, pixels), colour in zip(pairs, COLOURS, strict=False):
            share = pixels.histogram.reshape(_BINS, -1).sum(axis=1) / pixels.histogram.sum()
            axes.stairs(share, edges.tolist(), color=colour, linewidth=1.6, label=name)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda y, _: f"{100 * y:g}%"))
        axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        axes.set_xlim(0, 1)
        axes.set_xlabel("pixel value")
        axes.set_ylabel("share of pixels")
        axes.legend(loc="upper center", fontsize=9)

    return svg(draw, "histogram of pixel values")


def draw_brightness(pixels: PixelStats) -> str:
    """Draw the density of the images' mean brightness for each class."""
    from scipy.stats import gaussian_kde

    def draw(axes: Axes) -> None:
        top = float(pixels.brightness.max()) * 1.05 or 1.0
        grid = np.linspace(0, top, 240)
        groups = pixels.brightness_by_class()
        for digit, values in enumerate(groups):
            name = f"{digit}" if len(groups) > 1 else "all"
            if len(values) > 1 and np.ptp(values) > 1e-6:  # otherwise the density is undefined
                axes.plot(
                    grid, gaussian_kde(values)(grid), color=DIGIT_COLOURS[digit], lw=1.5, label=name
                )
            elif len(values):
                axes.axvline(float(values[0]), color=DIGIT_COLOURS[digit], lw=1.5, label=name)
        axes.set_xlim(0, top)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("mean pixel of an image")
        axes.set_ylabel("density")
        axes.legend(loc="upper right", ncols=2, fontsize=9)

    return svg(draw, "density of the mean brightness of images, one curve for each class")


def draw_components(
    places: NDArray[np.float32], labels: NDArray[np.int64] | None, axes_: Components
) -> str:
    """Draw digits on the first two components, coloured by class."""

    def draw(axes: Axes) -> None:
        x, y = _first_two(places)
        colours = (
            COLOURS[0] if labels is None else [DIGIT_COLOURS[label] for label in labels.tolist()]
        )
        axes.scatter(x, y, s=7, c=colours, alpha=0.55, linewidth=0, rasterized=True)
        written: list[tuple[float, float]] = []
        for digit in np.unique(labels).tolist() if labels is not None else []:
            middle = (float(np.median(x[labels == digit])), float(np.median(y[labels == digit])))
            axes.scatter([], [], s=24, color=DIGIT_COLOURS[digit], label=str(digit))
            if all(np.hypot(middle[0] - u, middle[1] - v) > 0.06 * np.ptp(x) for u, v in written):
                written.append(middle)  # overlapping numbers are unreadable
                axes.text(*middle, str(digit), ha="center", va="center", fontweight="bold")
        if labels is not None:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9, handletextpad=0.1)
        _name_axes(axes, axes_)

    return svg(draw, "training digits on the first two principal components, coloured by class")


def draw_train_and_other(
    train: NDArray[np.float32], other: NDArray[np.float32], name: str, axes_: Components
) -> str:
    """Draw training digits and the held-out ones over them, on the first two components."""

    def draw(axes: Axes) -> None:
        for places, colour, label in ((train, COLOURS[0], "train"), (other, COLOURS[1], name)):
            x, y = _first_two(places)
            axes.scatter(x, y, s=7, color=colour, alpha=0.5, lw=0, rasterized=True, label=label)
        axes.legend(loc="upper right", fontsize=9, markerscale=2.5)
        _name_axes(axes, axes_)

    return svg(draw, f"training digits and {name} digits on the first two principal components")


def draw_explained_variance(components: Components) -> str:
    """Draw the cumulative share of variance explained by the components."""

    def draw(axes: Axes) -> None:
        held = np.cumsum(components.explained)[: max(100, components.needed(0.95))]
        axes.plot(np.arange(1, len(held) + 1), held, color=COLOURS[0], linewidth=1.8)
        for share in (0.5, 0.9):
            n = components.needed(share)
            axes.plot([n], [held[n - 1]], "o", color=COLOURS[1], markersize=5)
            axes.annotate(
                f"{n} explain {share:.0%}", (n, held[n - 1]), (8, -12), textcoords="offset points",
                fontsize=9,
            )  # fmt: skip
        axes.set_ylim(0, 1.02)
        axes.set_xlim(left=0)
        axes.yaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
        axes.set_xlabel("components")
        axes.set_ylabel("variance explained")

    return svg(draw, "cumulative share of variance explained by principal components")


def n_dots(n: int) -> int:
    """Return how many of n digits a scatter plot shows."""
    return min(n, _MOST_DOTS)


def _first_two(places: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Return the first two coordinates; the second is 0 where there is but one."""
    x = places[:, 0].astype(np.float64)
    return x, places[:, 1].astype(np.float64) if places.shape[1] > 1 else np.zeros_like(x)


def _name_axes(axes: Axes, components: Components) -> None:
    shares = [*components.explained[:2].tolist(), 0.0]
    axes.set_xlabel(f"first component ({shares[0]:.1%} of the variance)")
    axes.set_ylabel(f"second component ({shares[1]:.1%})")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.figure.set_dpi(_DOTS_PER_INCH)
    axes.spines[["left", "bottom"]].set_color(INK)
