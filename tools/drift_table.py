"""The table of the drift test in docs/robustness.md."""

from __future__ import annotations

from typing import Any

from tools.markdown import format_percent, format_table
from tools.results import describe_origin, load_result


def drift_alarms() -> list[str]:
    """Return after how many digits of each set there is an alarm, beside its true error rate."""
    found = load_result("drift")
    if not found:
        return []
    rows = [
        [row["set"], f"{row['n']:,}", format_percent(row["answered"], 1),
         _wrong(row, found["max_error"]), _until(row, found["orders"])]
        for row in found["rows"]
    ]  # fmt: skip
    head = ["set", "digits", "answered", "wrong of the answered", "digits until the alarm"]
    simulated = found["false_alarms"]
    return [
        *format_table(head, rows), "",
        f"Bold: more than the {format_percent(found['max_error'])} that the guarantee allows. "
        f"Alarms are medians with their range over {found['orders']} orders of the digits. Of "
        f"{simulated['streams']:,} simulated streams of {simulated['digits']:,} digits like those "
        f"of the calibration, {simulated['alarms']:,} had an alarm; at most "
        f"{format_percent(found['level'], 0)} may. {describe_origin(found)}",
    ]  # fmt: skip


def _wrong(row: dict[str, Any], max_error: float) -> str:
    share, answered = row["wrong_of_answered"], round(row["answered"] * row["n"])
    percent = format_percent(share)
    counts = f"{round(share * answered):,} of {answered:,}"
    return f"{percent} ({counts})" if share <= max_error else f"**{percent}** ({counts})"


def _until(row: dict[str, Any], orders: int) -> str:
    if not row["alarms"]:
        return "no alarm"
    delays = row["digits_until_alarm"]
    text = f"{delays['median']:,.0f} ({delays['min']:,} to {delays['max']:,})"
    return text if row["alarms"] == orders else f"{text}; in {row['alarms']} of {orders} orders"
