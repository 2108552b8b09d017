"""docs/python-api.md names all public names, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import inkfast

PAGE = (Path(__file__).parents[2] / "docs" / "python-api.md").read_text()


def test_examples_run(capsys, monkeypatch, tmp_path):
    """The examples run one after the other, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL):
        exec(example, names)  # noqa: S102 - our own page
    assert "real" in capsys.readouterr().out


def test_page_names_all_public_names():
    """Each public name stands on the page, and there are at most 15."""
    assert len(inkfast.__all__) <= 15
    assert [name for name in inkfast.__all__ if f"`{name}`" not in PAGE] == []


def test_public_names_are_documented():
    """Each public function and class has a docstring with its arguments or attributes."""
    for name in set(inkfast.__all__) - {"__version__"}:
        assert (getattr(inkfast, name).__doc__ or "").strip(), name
