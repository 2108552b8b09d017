"""inkfast: handwritten digits, read through noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkfast.estimator import DigitClassifier

    __version__: str

__all__ = ["DigitClassifier", "__version__"]


def __getattr__(name: str) -> object:
    """Import what takes a while, or torch and scikit-learn, when it is asked for (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("inkfast")
    if name == "DigitClassifier":
        from inkfast.core.errors import missing_package

        try:
            from inkfast.estimator import DigitClassifier
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "inkfast":
                raise
            raise ImportError(missing_package(error.name), name=error.name) from None
        return DigitClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
