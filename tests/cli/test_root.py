"""The table of commands, and what is imported for the help."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from inkfast import cli
from inkfast.cli.root import COMMANDS, GROUPS


@pytest.mark.parametrize("words", COMMANDS)
def test_help_of_the_table_is_the_first_line_of_the_docstring(words):
    """The table repeats each command's first line, so that help needs no import."""
    name = words.replace(" ", "_")
    function = getattr(import_module(f"inkfast.cli.{name}"), name)
    assert function.__doc__.partition("\n")[0] == COMMANDS[words]


def test_every_command_file_is_in_the_table():
    """A file without an underscore is a command, but for the table itself and the options."""
    files = {path.stem for path in Path(cli.__file__).parent.glob("[!_]*.py")}
    assert files - {"root", "options"} == {words.replace(" ", "_") for words in COMMANDS}


def test_help_lists_every_command_in_the_order_of_the_table(inkfast):
    """Commands first, groups of commands after them; each group lists its own."""
    out = inkfast("--help")[1]
    names = [words for words in COMMANDS if " " not in words] + list(GROUPS)
    places = [out.index(f"│ {name} ") for name in names]
    assert places == sorted(places)
    for group in GROUPS:
        own = [words.split()[1] for words in COMMANDS if words.startswith(f"{group} ")]
        places = [inkfast(group, "--help")[1].index(f"│ {name} ") for name in own]
        assert own
        assert places == sorted(places)


@pytest.mark.parametrize("words", [[], ["data"]])
def test_help_imports_nothing_heavy(words):
    """Help answers without torch, numpy, matplotlib, sklearn or pyarrow."""
    code = (
        f"import sys; from inkfast.cli import main; sys.argv = ['inkfast', *{words}, '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('HEAVY', [m for m in ('torch', 'numpy', 'matplotlib', 'sklearn', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    assert ("verify" if words else "compare") in done.stdout
