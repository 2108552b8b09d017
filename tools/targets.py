"""Targets: what is aimed at, what was measured, and the table of both.

`target_list` states every target; measured values are read from the benchmarks' JSON. The reason
why a target is missed is shown only while it is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tools.markdown import format_percent, format_table

_TOLERANCE = 1e-9  # of floats: a loss of 0.05 points is a difference of two shares


def _format_quantity(unit: str) -> Callable[[float], str]:
    return lambda value: f"{value:.2f} {unit}" if value < 10 else f"{value:.1f} {unit}"


UNITS: dict[str, Callable[[float], str]] = {
    "": "{:,.0f}".format,
    "%": format_percent,
    "points": lambda share: f"{100 * share:.2f} points",
    "times": "{:.1f} times".format,
    **{unit: _format_quantity(unit) for unit in ("s", "ms", "MB")},
}


@dataclass(frozen=True)
class Target:
    """One figure to be reached.

    Attributes:
        what: What is measured.
        goal: Value to reach; itself counts as reached.
        unit: Key of ``UNITS``; shares in [0, 1] are shown in percent or percentage points.
        value: Reads the measured value; KeyError or StopIteration if there is none.
        at_most: Whether the goal is an upper limit.
        reason: What was tried and what limits the value, shown while the target is missed.
    """

    what: str
    goal: float
    unit: str
    value: Callable[[], float]
    at_most: bool = False
    reason: str | Callable[[], str] = ""

    def measure(self) -> float | None:
        """Return the measured value, None if there is none."""
        try:
            return self.value()
        except (KeyError, StopIteration):  # an older result, or none
            return None

    def is_reached(self) -> bool | None:
        """Return whether the goal was reached, None if nothing was measured."""
        found = self.measure()
        if found is None:
            return None
        return found <= self.goal + _TOLERANCE if self.at_most else found >= self.goal - _TOLERANCE

    def explain(self) -> str:
        """Return the reason why the target is missed."""
        try:
            found = self.reason if isinstance(self.reason, str) else self.reason()
        except (KeyError, StopIteration):  # it cites a result that is not there
            found = ""
        return found or "Not analysed yet."

    def row(self) -> list[str]:
        """Return the target's cells in the table."""
        show, found = UNITS[self.unit], self.measure()
        measured = "not measured yet" if found is None else show(found)
        verdict = {None: "", True: "reached", False: "**missed**"}[self.is_reached()]
        return [
            self.what, f"at {'most' if self.at_most else 'least'} {show(self.goal)}", measured,
            verdict,
        ]  # fmt: skip


def target_table(targets: Iterable[Target]) -> list[str]:
    """Return the table of all targets, and below it a reason for each that is missed."""
    targets = list(targets)
    missed = [target for target in targets if target.is_reached() is False]
    return [
        *format_table(["what", "target", "measured", ""], [target.row() for target in targets]), "",
        "For each missed target: what was tried, and what limits it. The trials were made in "
        "November 2026; no script repeats them.", "",
        *(f"- **{target.what}.** {target.explain()}" for target in missed),
    ]  # fmt: skip
