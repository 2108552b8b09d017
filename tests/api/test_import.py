"""`import inkfast` is light, and its names appear when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import inkfast


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing():
    """Neither torch nor NumPy is imported, and `dir` lists all names."""
    heavy = python(
        "import sys, inkfast; assert set(inkfast.__all__) <= set(dir(inkfast));"
        "print([m for m in ('torch', 'numpy', 'PIL', 'onnxruntime', 'sklearn') if m in sys.modules])"
    )
    assert heavy == "[]"
    assert inkfast.DigitClassifier.__name__ == "DigitClassifier"
    assert {"torch", "sklearn"} <= set(sys.modules)


def test_reading_needs_no_torch():
    """A reader is loaded and used in a process that cannot import torch or scikit-learn."""
    digit = python(
        "import sys; sys.modules['torch'] = sys.modules['sklearn'] = None\n"
        "import inkfast, numpy as np\n"
        "image = np.zeros((28, 28), np.uint8); image[4:24, 13:16] = 255\n"
        "print(inkfast.predict(image)[0].digit, inkfast.read(255 - np.pad(image, 20)).lines)"
    )
    assert digit == "1 [['1']]"


def test_a_missing_package_is_named():
    """What needs torch says how to install it."""
    with pytest.raises(ImportError, match="this needs torch, which is not installed") as error:
        _import_without("torch", "apply_noise")
    assert "[train]" in str(error.value)


def _import_without(package: str, name: str) -> object:
    message = python(
        f"import sys; sys.modules[{package!r}] = None\nimport inkfast\n"
        f"try: inkfast.{name}\nexcept ImportError as error: print(error)"
    )
    raise ImportError(message)


def test_unknown_names_are_attribute_errors():
    """A name that is not public is not there."""
    with pytest.raises(AttributeError, match="has no attribute 'train'"):
        _ = inkfast.train


def test_version_is_that_of_the_package():
    """The version is the installed one."""
    assert inkfast.__version__.split(".")[0].isdigit()
