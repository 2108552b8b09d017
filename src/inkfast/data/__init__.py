"""Loading digits: by the name of a data source, or from a file or folder by its path.

A named source is a class in one file of this package or of a plug-in, see `inkfast.data.base`.
Files are read by suffix, see `inkfast.data.files`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from inkfast.core.digits import SIDE, Source, Survey
from inkfast.core.errors import InkfastError, unknown_name
from inkfast.core.registry import import_modules
from inkfast.data.base import (
    DATA_SOURCES,
    DataSource,
    DownloadedSource,
    Report,
    downloaded_sources,
    no_report,
)
from inkfast.data.files import FILE_KINDS, load_file
from inkfast.data.image_folder import load_folder, survey_folder

__all__ = [
    "DATA_SOURCES",
    "DataSource",
    "DownloadedSource",
    "Report",
    "Source",
    "Survey",
    "describe_sources",
    "downloaded_sources",
    "load",
    "no_report",
    "package_of",
    "resolved_source",
    "survey",
]  # fmt: skip

import_modules(__name__, __path__)  # each data source registers itself

_FOLDER = "images in one subfolder per class, 0 to 9"


def describe_sources() -> dict[str, str]:
    """Return a one-line description of each data source and of each kind of file."""
    named = {cls.name: cls.description for cls in DATA_SOURCES}
    files = {f"FILE{suffix}": kind.description for suffix, kind in FILE_KINDS.items()}
    return {**named, **files, "FOLDER": _FOLDER}


def load(source: str, report: Report = no_report) -> Source:
    """Load digits from a named data source, a file or a folder.

    Args:
        source: Spec of a data source, e.g. ``"mnist"``, or a path.
        report: Called with the progress of downloads.

    Raises:
        InkfastError: If the source is unknown or its content cannot be used.
    """
    if _is_named(source):
        return DATA_SOURCES.build(source).load(report)
    path = _expanded(source)
    if path.is_dir():
        return load_folder(path)
    if path.is_file():
        return load_file(path)
    if path.suffix or "/" in source:
        raise InkfastError(f"{source}: there is no such file or folder.")
    raise unknown_name("data source", source, describe_sources())


def survey(source: str, report: Report = no_report) -> Survey:
    """Load digits as `load` does, together with names, sizes and faults of their files.

    Images of a folder that cannot be read are left out and listed; `load` raises for the first.
    """
    if not _is_named(source) and _expanded(source).is_dir():
        return survey_folder(_expanded(source))
    loaded = load(source, report)
    parts = [part for part in (loaded.train, loaded.test) if part is not None]
    return Survey(source=loaded, sizes={(SIDE, SIDE): sum(map(len, parts))})


def resolved_source(asked: str, name: str) -> str:
    """Return how to load the same data from any folder: ``auto`` resolved, paths absolute.

    Args:
        asked: Source as the user gave it.
        name: Name of the loaded `Source`.
    """
    if asked == "auto":
        return name
    if _is_named(asked) or not Path(asked).exists():
        return asked
    return str(Path(asked).absolute())


def package_of(source: str) -> str | None:
    """Return the plug-in package that a data source comes from, or None."""
    return DATA_SOURCES.package_of(DATA_SOURCES.build(source)) if _is_named(source) else None


def _is_named(source: str) -> bool:
    """Return whether a text is the spec of a data source; a path of the same name is not loaded."""
    spec = re.fullmatch(r"\s*([a-z][a-z0-9-]*)\s*(\(.*\))?\s*", source, re.DOTALL)
    return spec is not None and spec[1] in DATA_SOURCES


def _expanded(source: str) -> Path:
    return Path(os.path.expanduser(source) if source.startswith("~") else source)
