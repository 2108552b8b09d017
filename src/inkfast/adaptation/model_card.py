"""The model card of an adapted network, in Markdown."""

from __future__ import annotations

from typing import Any


def adapted_model_card(file: str, based_on: str, about: dict[str, Any]) -> str:
    """Return the model card of an adapted file.

    Args:
        file: Name of the file.
        based_on: Name of the network that it was adapted from.
        about: Metadata of the file, see `adapted_metadata`.
    """
    adapted = about["adapted"]
    check = adapted["cross_validated"]
    low, high = check["gain_ci95"]
    rows = {
        "adapted from": f"{based_on}, SHA-256 `{adapted['from']}`",
        "corrections": f"{adapted['corrections']}, of which {adapted['held_back']} held back",
        "wrong by cross-validation": f"{check['wrong_after']} of {check['n']}; before: "
        f"{check['wrong_before']}",
        "gain": f"{100 * check['gain']:.1f} points, 95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}",
        "guarantee": adapted["guarantee"],
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return _PAGE.format(file=file, table=table)


_PAGE = """# {file}

A network of inkfast, adapted to corrected answers by `inkfast adapt`.

|  |  |
|---|---|
{table}

- Only its last layer was changed. What it was trained on is in the model card of the network that
  it was adapted from.
- Cross-validation judges every answer by weights that were fitted without it. The corrections held
  back chose nothing; the guarantee was tested on them.
- Gain and guarantee are about images like those corrected: the same hand, pen and camera. Images
  that were corrected because they were doubtful are harder than others.
- Digits of other people may be read worse than before.
"""
