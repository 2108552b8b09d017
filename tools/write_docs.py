"""Write the generated parts of the documents.

Run: python -m tools.write_docs

Tables between the marks `<!-- measured NAME -->` and `<!-- end of measured -->` come from the
benchmarks' JSON, docs/models.md from the code. Tests compare the documents with what this writes,
so no figure in them can be typed or forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tools import model_card
from tools.adaptation_table import adaptation_bounds, adaptation_table
from tools.benchmark_tables import BENCHMARK_TABLES
from tools.drift_table import drift_alarms
from tools.handwriting_tables import handwriting_results, handwriting_sets, handwriting_summary
from tools.headline_tables import brief, defaults, headline
from tools.models_page import models_page
from tools.replications import replication_tables
from tools.results import ROOT

MARKS = re.compile(r"(<!-- measured ([\w.-]+) -->\n).*?(<!-- end of measured -->)", re.DOTALL)
DOCUMENTS = (
    "README.md", "docs/adapt.md", "docs/benchmarks.md", "docs/handwriting.md", "docs/model-card.md",
    "docs/robustness.md", "docs/sources.md",
)  # fmt: skip
TABLES: dict[str, Callable[[], list[str]]] = {
    "brief": brief,
    "headline": headline,
    "defaults": defaults,
    "replications": replication_tables,
    **BENCHMARK_TABLES,
    "adaptation": adaptation_table,
    "adaptation-bounds": adaptation_bounds,
    "reader-facts": model_card.reader_facts,
    "number-reader-facts": model_card.number_reader_facts,
    "finder-facts": model_card.finder_facts,
    "reader-corruptions": model_card.reader_corruptions,
    "recipe-corruptions": model_card.recipe_corruptions,
    "handwriting": model_card.handwriting,
    "non-digits": model_card.non_digits,
    "handwriting-summary": handwriting_summary,
    "handwriting-sets": handwriting_sets,
    "handwriting-results": handwriting_results,
    "drift-alarms": drift_alarms,
    "normalization-rules": model_card.normalization_rules,
}


def fill_marks(page: str) -> str:
    """Return a page with the tables between its marks written again."""

    def replace(match: re.Match[str]) -> str:
        lines = TABLES[match[2]]() or ["Not measured yet."]
        return match[1] + "\n" + "\n".join(lines) + "\n\n" + match[3]

    return MARKS.sub(replace, page)


def _rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    for name in DOCUMENTS:
        _rewrite(ROOT / name, fill_marks)
    (ROOT / "docs" / "models.md").write_text(models_page(), encoding="utf-8")
