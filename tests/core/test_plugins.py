"""Plug-ins: broken ones are left out with a sentence, and the package of docs/plugins.md works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import pytest

from inkfast.core.errors import InkfastError
from inkfast.core.registry import Registry
from inkfast.experiments.config import from_settings
from inkfast.noise import Noise
from inkfast.noise.rotate import Rotate
from inkfast.training import TrainedModel

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
GROUP = "inkfast.noises"


@dataclass(frozen=True)
class Plain:
    """No noise at all."""

    name: ClassVar[str] = "plain"


@dataclass(frozen=True, kw_only=True)
class Other(Rotate):
    """A good plug-in."""

    name: ClassVar[str] = "other"


@dataclass(frozen=True, kw_only=True)
class Clash(Rotate):
    """A plug-in whose name is reserved."""

    name: ClassVar[str] = "none"


@dataclass(frozen=True, kw_only=True)
class Named(Rotate):
    """A plug-in whose name cannot be written in a spec."""

    name: ClassVar[str] = "My Noise"


class Bare(Rotate):
    """A plug-in that is not decorated."""

    name: ClassVar[str] = "bare"


@pytest.fixture
def registry(monkeypatch, caplog):
    """Return a function that makes a registry with some objects of this module as plug-ins."""

    def make(*names: str) -> Registry:
        entries = [metadata.EntryPoint(name, f"{__name__}:{name}", GROUP) for name in names]
        monkeypatch.setattr(metadata, "entry_points", lambda group: entries)
        own: Registry = Registry("noise", Noise, GROUP, reserved=["none"])
        own.register(Rotate)
        return own

    return make


def test_a_plugin_is_found_by_name_and_in_the_list(registry):
    """A plug-in is built like inkfast's own, and its package is known."""
    known = registry("Other")
    assert str(known.build("other(degrees=5)")).startswith("other(degrees=5")
    assert [cls.name for cls in known] == ["other", "rotate"]
    assert known.package_of(Other()) == __name__
    assert known.package_of(Rotate()) is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Missing", "cannot be imported (AttributeError: module"),
        ("Plain", "expected a subclass of inkfast.noise.base.Noise, got"),
        ("Clash", "noise 'none' exists already in inkfast. Choose another name."),
        ("Named", "`name` of Named must be lower-case letters, digits and dashes, got 'My Noise'"),
        ("Bare", "Bare must be decorated with @dataclass(frozen=True)"),
    ],
)
def test_a_broken_plugin_is_left_out(registry, caplog, name, sentence):
    """One warning names the package and the reason; the other plug-ins work."""
    known = registry(name, "Other")
    assert "other" in known
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the plug-in package {__name__} is left out: ")
    assert sentence in record.getMessage()
    with pytest.raises(InkfastError, match="unknown noise 'bare'"):
        known.build("bare")


def test_the_reason_of_a_broken_plugin_is_cut(registry, caplog):
    """Of a long message the first 200 characters are shown."""
    missing = "x" * 300
    assert "other" in registry(missing, "Other")
    (record,) = caplog.records
    reason = (
        record.getMessage()
        .partition("cannot be imported (")[2]
        .removesuffix("). Fix or uninstall it.")
    )
    whole = f"AttributeError: module {__name__!r} has no attribute {missing!r}"
    assert reason == whole[:200]


def test_of_two_plugins_with_one_name_the_second_is_left_out(registry, caplog):
    """The sentence names the package that has the name."""
    known = registry("Other", "Other")
    assert known["other"] is Other
    assert f"noise 'other' exists already in {__name__}" in caplog.text


def test_plugins_are_imported_only_when_needed(registry, monkeypatch):
    """A name of inkfast's own is found without a look at other packages."""
    known = registry("Other")
    monkeypatch.setattr(metadata, "entry_points", lambda group: pytest.fail("looked"))
    assert known.build("rotate") == Rotate()


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        (
            ["inkfast-none"],
            "the recipe needs the plug-in package inkfast-none, which is not installed",
        ),
        (["../x"], "`requires` must be a list of packages, got ['../x']"),
        ("inkfast-none", "`requires` must be a list of packages, got 'inkfast-none'"),
        (3, "`requires` must be a list of packages, got 3"),
    ],
)
def test_a_missing_package_is_named(requires, message):
    """A saved experiment says what it needs before it says what it does not know."""
    with pytest.raises(InkfastError, match=re.escape(message)):
        from_settings({"requires": requires, "noise": "checker"})


def test_a_saved_model_names_the_package_that_it_lacks(tmp_path):
    """Without the plug-in, a model is not called damaged."""
    (tmp_path / "model.json").write_text('{"requires": ["inkfast-none"]}')
    with pytest.raises(InkfastError, match="needs the plug-in package inkfast-none"):
        TrainedModel.load(tmp_path)


def test_the_package_of_the_documentation_works(tmp_path):
    """Built from docs/plugins.md, it passes its own tests and is used by an experiment."""
    files = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.+?)```", PAGE, re.DOTALL))
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    _install(tomllib.loads(files["pyproject.toml"])["project"], tmp_path)
    script = tmp_path / "use.py"
    script.write_text(
        "import contextlib, runpy, sys, tomllib\n"
        "for name, test in runpy.run_path('tests/test_contract.py').items():\n"
        "    if name.startswith('test_'): test()\n"
        "import inkfast\n"
        "from inkfast import cli\n"
        "from inkfast.training import TrainedModel\n"
        "inkfast.compare(data='bars', noise='one-of(chains=[\"checker\"])', models='tiny', out='run',"
        " executor='serial')\n"
        "for words in (['noise', 'list'], ['models', 'list'], ['data', 'list']):\n"
        "    sys.argv = ['inkfast', *words]\n"
        "    with contextlib.suppress(SystemExit): cli.main()\n"
        "print(tomllib.load(open('run/experiment.toml', 'rb'))['requires'])\n"
        "print(TrainedModel.load(__import__('pathlib').Path('run/fits/tiny-seed0')).architecture)\n"
    )
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["['inkfast-checker']", "tiny(init='torch', width=32)"]
    for listed in ("checker(brightness=0.3, cells=4)", "tiny", "300 bars, 2 to 20 pixels wide"):
        assert any(listed in line for line in lines), listed


def _install(project: dict, folder: Path) -> None:
    """Write the metadata that pip would write."""
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups))
