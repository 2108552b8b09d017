"""inkfast: handwritten digits, read through noise.

>>> import inkfast
>>> reader = inkfast.load_reader()
>>> reader.predict(images)[0].digit  # doctest: +SKIP
7

The names in `__all__` are the public Python interface, see docs/python-api.md. They are imported
when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkfast._api.experiments import ExperimentResults, compare, cross_validate, load_run
    from inkfast._api.reading import DigitReader, load_reader, predict, read
    from inkfast.core.errors import InkfastError
    from inkfast.estimator import DigitClassifier
    from inkfast.inference.page_result import Page
    from inkfast.inference.reader import Prediction
    from inkfast.noise import apply_noise, build_noise

    __version__: str

__all__ = [
    "DigitClassifier", "DigitReader", "ExperimentResults", "InkfastError", "Page", "Prediction",
    "__version__", "apply_noise", "build_noise", "compare", "cross_validate", "load_reader",
    "load_run", "predict", "read",
]  # fmt: skip

_MODULES = {
    "DigitClassifier": "inkfast.estimator",
    "DigitReader": "inkfast._api.reading",
    "ExperimentResults": "inkfast._api.experiments",
    "InkfastError": "inkfast.core.errors",
    "Page": "inkfast.inference.page_result",
    "Prediction": "inkfast.inference.reader",
    "apply_noise": "inkfast.noise",
    "build_noise": "inkfast.noise",
    "compare": "inkfast._api.experiments",
    "cross_validate": "inkfast._api.experiments",
    "load_reader": "inkfast._api.reading",
    "load_run": "inkfast._api.experiments",
    "predict": "inkfast._api.reading",
    "read": "inkfast._api.reading",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("inkfast")
    if name in _MODULES:
        from inkfast._api.lazy import import_public

        return import_public(_MODULES[name], name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
