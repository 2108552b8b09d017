"""The notebooks run from top to bottom, and what their words claim is so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import matplotlib as mpl
import nbformat
import pytest

from inkfast import cli

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = ("1-explore", "2-compare-under-noise", "3-your-own-digits")
FONTS = mpl.get_cachedir()  # before each test gets an empty cache of its own

# What the words say of the results, in the names that the cells leave behind.
CLAIMS = {
    "1-explore": """
        assert max(counts) < 1.1 * min(counts), "nearly even"
        assert read["clean"] > 0.85, "a decent reader"
        assert read["noisy"] < 0.6, "noise breaks it"
        clean, noisy = (np.std(average(some), axis=(1, 2)).mean() for some in (digits, corrupted))
        assert noisy < 0.7 * clean, "a clear shape against a cloud"
        assert len(rows) == len(names) == len(list(noise.NOISES))
    """,
    "2-compare-under-noise": """
        best, other = results.rows
        assert (best["model"], other["model"]) == ("convolutional", "dense")
        shares = {
            name: [float((seed.argmax(axis=1) == labels).mean()) for seed in seeds]
            for name, seeds in probabilities.items()
        }
        assert all(a > b + 0.05 for a, b in zip(shares["convolutional"], shares["dense"]))
        for row in results.rows:
            assert abs(np.mean(shares[row["model"]]) - row["accuracy"]) < 1e-9, "the same digits"
        assert best["n_parameters"] < 0.15 * other["n_parameters"], "about a tenth"
        for row in results.rows:
            shrunk, clean = (easy[chain][row["model"]] for chain in (SHRUNK, "none"))
            assert clean < min(shrunk, row["accuracy"]), "a surprise"
        for chain, (_, steps, trained_to) in SWEEPS.items():
            inside = [step <= trained_to for step in steps]
            for name in models:
                shares = curves[name, chain]
                assert shares[inside].min() > shares[0] - 0.2, "they hold roughly"
                assert shares[-1] < shares[inside].min() - 0.1, "beyond it they fall"
            gap = curves["convolutional", chain] - curves["dense", chain]
            assert gap[inside].min() > 0, "the convolutional one stands higher"
        assert len(fits) == 2 * SEEDS, "what compare would leave behind"
        assert (RUN / "report.html").is_file()
    """,
    "3-your-own-digits": """
        assert len({Image.open(f).size for f in EXAMPLE.glob("*/*")}) > 100, "many sizes"
        assert digits.class_counts() == [EACH] * 10
        assert accuracy > 0.85
        assert low < accuracy <= high
        surest, least, _, house = (given.max() for _, given in cards.values())
        assert surest > 0.95 > 0.8 > least
        assert not set(train_rows) & set(test_rows)
        assert comparisons[0].better == order[0] and len(comparisons) == 2
        assert all(len(shares) == 3 and shares.mean() > 0.8 for shares in folds.values())
    """,
}
PICTURES = {"1-explore": 6, "2-compare-under-noise": 5, "3-your-own-digits": 2}


# In a process of its own: nbclient leaves sockets open, and here a warning is an error. The kernel is
# the Python that runs the tests, known to nobody else.
EXECUTE = """
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

known = KernelSpecManager(kernel_dirs=["kernels"])
kernel = AsyncKernelManager(kernel_name="here", kernel_spec_manager=known)
notebook = nbformat.read("given.ipynb", as_version=4)
place = {"metadata": {"path": "work"}}
client = NotebookClient(notebook, km=kernel, timeout=300, allow_errors=True, resources=place)
nbformat.write(client.execute(), "done.ipynb")
"""


@pytest.fixture
def execute(tmp_path):
    """Return a function that executes a notebook in an empty folder; a cell may fail."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "here", "language": "python"}
    (tmp_path / "kernels" / "here").mkdir(parents=True)
    (tmp_path / "kernels" / "here" / "kernel.json").write_text(json.dumps(spec))
    (tmp_path / "work").mkdir()
    own = {name: str(tmp_path / name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}

    def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
        nbformat.write(notebook, tmp_path / "given.ipynb")
        env = {**os.environ, **own, "MPLCONFIGDIR": FONTS, "JUPYTER_PLATFORM_DIRS": "1"}
        command = [sys.executable, "-c", EXECUTE]
        ended = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return nbformat.read(tmp_path / "done.ipynb", as_version=4)

    return run


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [out for cell in notebook.cells for out in cell.get("outputs", [])]


def errors(notebook: nbformat.NotebookNode) -> list[str]:
    failed = [out for out in outputs(notebook) if out.output_type == "error"]
    return [f"{out.ename}: {out.evalue}" for out in failed]


def cells(notebook: nbformat.NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def dedent(text: str) -> str:
    return re.sub("^ {8}", "", text, flags=re.MULTILINE).strip()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_does_what_it_says(name, execute):
    """Every cell runs, nothing complains, every picture is there, and each claim holds."""
    notebook = read(name)
    notebook.cells.append(nbformat.v4.new_code_cell(dedent(CLAIMS[name])))
    executed = execute(notebook)
    assert errors(executed) == []
    done = outputs(executed)
    assert [out.text for out in done if out.get("name") == "stderr"] == []
    pictures = [out.data["image/png"] for out in done if "image/png" in out.get("data", {})]
    assert len(pictures) == PICTURES[name]
    assert min(map(len, pictures)) > 4000  # an empty frame is smaller


def test_there_is_no_other_notebook():
    """Each notebook is a pair, and each pair is tested."""
    files = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".py", ".ipynb"))
    assert files == sorted(f"{name}{suffix}" for name in NAMES for suffix in (".py", ".ipynb"))


@pytest.mark.parametrize("name", NAMES)
def test_script_and_notebook_hold_the_same_cells(name):
    """One edited without the other goes red: `make notebooks` writes the notebook again."""
    notebook = read(name)
    assert cells(jupytext.read(FOLDER / f"{name}.py")) == cells(notebook)
    assert notebook.metadata.jupytext.formats == "ipynb,py:percent"


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_small_and_clean(name):
    """No outputs, no counts and no path of somebody's machine are stored."""
    notebook = read(name)
    assert outputs(notebook) == []
    assert {c.execution_count for c in notebook.cells if c.cell_type == "code"} == {None}
    text = "".join((FOLDER / f"{name}{suffix}").read_text() for suffix in (".py", ".ipynb"))
    assert not re.search(r"""(?:["'\s(=]/|[A-Z]:\\\\|~/)\w""", text)


def test_the_first_code_cell_installs_where_inkfast_is_missing(execute):
    """From the copy it lies in alone, or one line says what is wrong; the same in all three."""
    first = {next(c.source for c in read(name).cells if c.cell_type == "code") for name in NAMES}
    assert len(first) == 1
    (install,) = first
    fake = """
        import importlib.util
        get_ipython().register_magic_function(lambda line: print("pip", line), magic_name="pip")
    """
    missing = "importlib.util.find_spec = lambda name: None"
    copy = "import os; open('pyproject.toml', 'w').close(); os.mkdir('in'); os.chdir('in')"
    sources = [dedent(fake), install, missing, install, copy, install]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    executed = execute(notebook)
    assert executed.cells[1].outputs == []
    told = [line.text for line in executed.cells[5].outputs if line.output_type == "stream"]
    assert told == ['pip install --quiet --constraint ../constraints.txt "..[train]"\n']
    assert errors(executed) == [
        "SystemExit: inkfast is missing: run this in the folder `notebooks` of your copy.",
        "SystemExit: inkfast could not be installed: see what pip says above.",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_a_notebook_exists(name, monkeypatch, capsys):
    """Each `inkfast` line in a block of commands has options that the command's help knows."""
    blocks = "".join(c.source for c in read(name).cells if c.cell_type == "markdown")
    for line in re.findall(r"^inkfast (.+)$", blocks, re.MULTILINE):
        command, *words = re.sub(r'"[^"]*"', "x", line).split()
        monkeypatch.setattr(sys, "argv", ["inkfast", command, "--help"])
        with pytest.raises(SystemExit):
            cli.main()
        shown = capsys.readouterr().out
        assert all(word in shown for word in words if word.startswith("--")), line
