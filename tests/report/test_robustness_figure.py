"""The figure of `inkfast robustness`: every number drawn is where it belongs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inkfast.noise import MNIST_C
from inkfast.report.robustness_figure import (
    draw_intervals,
    draw_severity_curves,
    write_robustness_figure,
)


def result(suite: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return robustness results of one model, as `inkfast robustness` writes them."""
    return {
        "suite": suite,
        "models": [{"model": "cnn", "protocol": "i", "mean": 0.9}],
        "rows": rows,
    }


def row(noise: str, accuracy: float, low: float, high: float) -> dict[str, Any]:
    interval = [low, high]
    return {"model": "cnn", "noise": noise, "accuracy": accuracy, "accuracy_ci95": interval, "n": 9}


def test_error_bars_reach_from_the_lower_to_the_upper_end_of_the_interval():
    """Bars are as far from the dot to the left and to the right as the interval's two ends."""
    rows = [row("clean", 0.9, 0.7, 0.95), row("mnist-c-fog", 0.5, 0.45, 0.8)]
    axes = draw_intervals(result("mnist-c", rows)).axes[0]
    (bars,) = axes.collections
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    assert ends == [pytest.approx([0.7, 0.95]), pytest.approx([0.45, 0.8])]
    assert axes.lines[0].get_xdata() == pytest.approx([0.9, 0.5])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["clean", "fog"]


def test_severity_curves_begin_with_the_clean_digits():
    """Each panel draws clean accuracy at 0, severities at 1 to 5, and marks the published one."""
    names = {f"{name}(severity={s})": 0.9 - 0.1 * s for name in MNIST_C for s in range(1, 6)}
    rows = [row("clean", 0.9, 0.8, 1), *(row(name, a, a, a) for name, a in names.items())]
    figure = draw_severity_curves(result("mnist-c-severities", rows))
    assert len(figure.axes) == len(MNIST_C)
    for axes, levels in zip(figure.axes, MNIST_C.values(), strict=True):
        curve, published = axes.lines
        assert np.asarray(curve.get_xdata()).tolist() == list(range(6))
        assert curve.get_ydata() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
        assert set(published.get_xdata()) == {levels.published}


def test_the_figure_is_a_png_file(tmp_path):
    """The file is written whole, as PNG."""
    path = tmp_path / "robustness.png"
    write_robustness_figure(result("mnist-c", [row("clean", 0.9, 0.8, 0.95)]), path)
    assert path.read_bytes().startswith(b"\x89PNG")
