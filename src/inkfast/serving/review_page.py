"""A review as one HTML file that needs no server: its images and scripts are inside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from inkfast.core.io import sha256
from inkfast.inference.corrections import CORRECTION_COLUMNS
from inkfast.serving.review_items import Review

_PAGE = Path(__file__).parent / "page"
_MODULES = ("api.js", "percent.js", "review-totals.js", "review-store.js", "review.js")
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def static_review(review: Review) -> str:
    """Return the file; it gives the corrections as a CSV file, see `load_corrections`."""
    html = _text("review.html")
    html = re.sub(r'  <link rel="icon".*\n', "", html)
    html = re.sub(
        r'  <link rel="stylesheet" href="/page/(.*)">',
        lambda found: f"  <style>\n{_text(found[1])}</style>",
        html,
    )
    html = html.replace(
        '  <script src="/page/theme.js"></script>', f"  <script>\n{_text('theme.js')}</script>"
    )
    html = html.replace('  <script type="module" src="/page/review.js"></script>\n', "")
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    html = html.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n  {policy}')
    data = json.dumps(_data(review), ensure_ascii=False).replace("<", r"\u003c")
    scripts = (
        f'<script id="embedded" type="application/json">{data}</script>\n'
        f'<script type="module">\n{_joined_modules()}</script>\n'
    )
    return html.replace("</body>", scripts + "</body>")


def _text(name: str) -> str:
    return (_PAGE / name).read_text(encoding="utf-8")


def _joined_modules() -> str:
    """Return the modules of the page as one; their names do not clash."""
    text = "\n".join(_text(name) for name in _MODULES)
    text = re.sub(r"^import [^;]*;\n", "", text, flags=re.MULTILINE)
    return re.sub(r"^export ", "", text, flags=re.MULTILINE)


def _data(review: Review) -> dict[str, Any]:
    """Return what the page holds: the answers, their images, and the columns of the download."""
    table = review.file.table
    columns = [name for name in table.columns if name not in CORRECTION_COLUMNS]
    rows = {place: [table.rows[place - 1][name] for name in columns] for place in review.rows}
    card = review.card() | {"kept": "Download the corrections."}
    return {
        "review": card, "looks": {place: review.look(place) for place in review.rows},
        "columns": columns, "rows": rows,
        "key": sha256(json.dumps([columns, rows]).encode()),
    }  # fmt: skip
