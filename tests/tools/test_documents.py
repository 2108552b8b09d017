"""What the documents say is what is there."""

from __future__ import annotations

import csv
import dataclasses
import operator
import re
import sys
import tomllib
from pathlib import Path

import pytest

from inkfast import cli
from inkfast.core.io import sha256
from inkfast.experiments.config import Experiment, from_settings, read_toml
from inkfast.experiments.number_experiment import is_number_model, number_experiment
from inkfast.experiments.tuning.plan import parse_search_plan
from inkfast.models import MODELS
from inkfast.training import Recipe
from inkfast.training.number_recipe import NumberRecipe
from tools.models_page import models_page
from tools.results import ROOT, load_result
from tools.write_docs import DOCUMENTS as FILLED
from tools.write_docs import MARKS, TABLES, fill_marks

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "notebooks" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]  # fmt: skip
COMMANDS = {  # at least
    "README.md": 5, "docs/training.md": 15, "docs/reading.md": 8, "docs/robustness.md": 4,
    "docs/serving.md": 2, "docs/cluster.md": 2,
}  # fmt: skip


FLAGS = re.MULTILINE | re.DOTALL


def named(document: Path) -> str:
    """Return a document's path in the repository."""
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.toml")), ids=lambda p: p.name)
def test_every_recipe_is_an_experiment(path):
    """Each recipe file is read and resolved without a fault, and its heading names a command."""
    settings = read_toml(path)
    if is_number_model(settings):
        assert number_experiment(settings).name == path.stem
    elif "search" in settings:
        assert parse_search_plan(settings).space
    else:
        assert from_settings(settings).models
    assert f"recipes/{path.name}" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("README.md", 1),
        ("docs/benchmarks.md", 16),
        ("docs/handwriting.md", 3),
        ("docs/model-card.md", 8),
        ("docs/robustness.md", 1),
        ("docs/sources.md", 1),
    ],
)
def test_tables_of_figures_are_written_from_measurements(name, tables):
    """Every table between marks holds the JSON's figures, and the README links each document."""
    page = (ROOT / name).read_text(encoding="utf-8")
    assert fill_marks(page) == page
    assert page.count("<!-- measured ") == len(MARKS.findall(page)) == tables
    assert name == "README.md" or name in README


def test_every_table_has_its_document():
    """No table is written by the tools and shown nowhere."""
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in FILLED)
    assert {name for _, name, _ in MARKS.findall(pages)} == set(TABLES)


def test_the_page_of_sources_names_tests_that_exist():
    """Every test that docs/sources.md cites is in tests/."""
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    cited = re.findall(r"`(test_\w+)`", page)
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    assert len(cited) > 8
    for name in cited:
        assert f"def {name}(" in tests, name


def test_the_model_card_is_about_the_shipped_file():
    """Its figures were measured on this very file."""
    content = (ROOT / "src/inkfast/inference/shipped/reader.onnx").read_bytes()
    assert load_result("reader")["sha256"] == sha256(content)


def test_the_page_of_models_is_written_from_the_registry():
    """docs/models.md is what the registered classes say of themselves, with a source for each."""
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert models_page() == page
    for cls in MODELS:
        assert re.fullmatch(r"[A-Z].+ \((18|19|20)\d\d\), .+", cls.source), cls.name
        section = re.search(rf"^### {cls.name}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        own = [f.name for f in dataclasses.fields(cls) if f.name not in ("init", "copies")]
        assert re.findall(r"^- `(\w+)`: ", section[1], re.MULTILINE) == own
    keys = [field.name for field in dataclasses.fields(Recipe)]
    keys += [field.name for field in dataclasses.fields(NumberRecipe)]
    recipes = page[page.index("## Recipe keys") :]
    assert re.findall(r"^- `(\w+)`(?: \(.+?\))?: ", recipes, re.MULTILINE) == keys


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_of_a_document_exists(document, monkeypatch, capsys):
    """Each `inkfast` line in README and docs names a command and options that its help knows."""
    text = document.read_text(encoding="utf-8")
    blocks = [
        body for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, FLAGS) if not language
    ]
    command_line = r"^(?:\S+=\S+ )?(?:\.venv/bin/)?inkfast (.+?)(?:\s+#.*)?$"
    lines = re.findall(command_line, "".join(blocks), re.MULTILINE)
    assert len(lines) >= COMMANDS.get(named(document), 0)
    for line in lines:
        words = re.sub(r'"[^"]*"', "x", line).split()
        command = words[:2] if words[0] in ("data", "noise", "models") else words[:1]
        monkeypatch.setattr(sys, "argv", ["inkfast", *command, "--help"])
        with pytest.raises(SystemExit):
            cli.main()
        shown = capsys.readouterr().out
        assert all(word in shown for word in words if word.startswith("--")), line


def test_the_readme_links_every_page():
    """Its table of links leaves no page of docs out, nor the changelog or the notebooks."""
    for document in DOCUMENTS[1:]:
        assert f"({named(document)})" in README


def test_links_in_the_documents_lead_somewhere():
    """Every relative link of README and docs is a file of the repository, and has its heading."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
            path = document.parent / target if target else document
            assert path.exists(), f"{document.name}: {target}"
            if heading:
                assert heading in anchors(path), f"{document.name}: {target}#{heading}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_files_and_targets_that_a_document_names_exist(document):
    """Each path into the repository and each target of `make` in README and docs is there."""
    text = document.read_text(encoding="utf-8")
    text = re.sub(r"^```\w+\n.*?^```", "", text, flags=FLAGS)  # code may be of another package
    folders = "benchmarks|docs|notebooks|recipes|src|tests|tools"
    for path in re.findall(rf"(?<![\w/-])((?:{folders})/[\w./-]*[\w/])", text):
        assert (ROOT / path).exists(), path
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for target in re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE):
        assert target in targets


def anchors(path: Path) -> list[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in headings]


def test_architecture_names_every_module():
    """docs/architecture.md shows each room and each module at the top of the package."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "src" / "inkfast").iterdir():
        if path.name[0] not in "_." and (path.suffix == ".py" or path.is_dir()):
            assert f"  {path.name}{'/' if path.is_dir() else ''} " in text, path.name


def test_architecture_names_no_file_that_is_not_there():
    """Every module that docs/architecture.md names exists, and its layers are import-linter's."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = {path.name for folder in ("src", "tools") for path in (ROOT / folder).rglob("*.py")}
    assert set(re.findall(r"\w+\.py", text)) <= there
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    expected = [line.replace("inkfast.", "").replace(" |", ",") for line in layers]
    block = next(b for b in re.findall(r"```\n(.+?)```", text, re.DOTALL) if b.startswith("cli"))
    assert [layer.strip() for layer in block.replace("\n", " ").split(">")] == expected


def test_the_python_of_the_readme_prints_what_it_says(monkeypatch, capsys):
    """The example is executed in the repository and prints what stands in its comment."""
    monkeypatch.chdir(ROOT)
    (example,) = re.findall(r"```python\n(.+?)```", README, re.DOTALL)
    exec(example, {})  # noqa: S102 - our own text
    assert capsys.readouterr().out.strip() == example.strip().rpartition("# ")[2]


def test_the_python_of_the_page_on_training_runs(capsys):
    """The scikit-learn example is executed as it stands, and finds a good classifier."""
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102 - our own text
    assert names["search"].best_score_ > 0.9
    assert "hidden=[256]" in capsys.readouterr().out


def test_the_page_on_training_lists_every_key_of_an_experiment(monkeypatch, capsys):
    """Its table of TOML keys is complete, and each flag beside a key is one of `compare`'s."""
    _, _, page = (ROOT / "docs" / "training.md").read_text("utf-8").partition("| key | flag |")
    rows = re.findall(r"^\| (`[\w`, ]+`|`\[recipe\]`) \| (.*?) \|", page, re.MULTILINE)
    listed = [key for keys, _ in rows for key in re.findall(r"`\[?(\w+)\]?`", keys)]
    keys = [field.name for field in dataclasses.fields(Experiment)]
    assert sorted(listed) == sorted([*keys, "out", "recipe"])
    shown = ""
    for command in ("compare", "validate"):
        monkeypatch.setattr(sys, "argv", ["inkfast", command, "--help"])
        with pytest.raises(SystemExit):
            cli.main()
        shown += capsys.readouterr().out
    assert all(flag in shown for _, flags in rows for flag in re.findall(r"--[\w-]+", flags))


def test_the_example_of_the_page_on_reading_is_read_as_it_says(monkeypatch, capsys):
    """`inkfast read` prints of the example image what the page shows."""
    page = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    (expected,) = re.findall(r"prints\n\n```\n(.+?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["inkfast", "read", "docs/example-numbers.jpg"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    printed = capsys.readouterr()
    assert printed.out == expected
    assert f"`{printed.err.strip()}`" in page


def test_the_rows_of_the_page_on_reading_are_written_as_it_says(monkeypatch, tmp_path):
    """`inkfast read --to` writes of the example image the rows that the page shows."""
    page = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"one row per number:\n\n```\n(.+?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    to = tmp_path / "numbers.csv"
    monkeypatch.setattr(
        sys, "argv", ["inkfast", "read", "docs/example-numbers.jpg", "--to", str(to)]
    )
    with pytest.raises(SystemExit):
        cli.main()
    found, expected = (
        list(csv.DictReader(text.splitlines())) for text in (to.read_text("utf-8"), shown)
    )
    for rows in (found, expected):  # the last decimals depend on the processor
        for row in rows:
            row["confidence"] = f"{float(row['confidence']):.2f}"
    assert found == expected


def test_the_example_images_of_the_page_on_reading_are_classified_as_it_says(
    monkeypatch, capsys, tmp_path
):
    """`inkfast predict` writes the columns and the digits that the page shows."""
    page = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"writes\n\n```\n(.+?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    to = str(tmp_path / "answers.csv")
    monkeypatch.setattr(sys, "argv", ["inkfast", "predict", "docs/example-digits", "--to", to])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    columns = operator.itemgetter("file", "digit", "unsure", "error")
    with open(to, encoding="utf-8", newline="") as file:
        found = csv.DictReader(file)
        expected = csv.DictReader(shown.splitlines())
        assert found.fieldnames == expected.fieldnames
        assert [*map(columns, found)] == [*map(columns, expected)]
