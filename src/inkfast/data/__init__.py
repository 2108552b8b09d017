"""Where digits come from: a word, or the path of a CSV, a NumPy file or a folder of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from inkfast.core.digits import SIDE, Digits, Source, Survey
from inkfast.core.errors import InkfastError, unknown_name
from inkfast.core.splits import stratified_split
from inkfast.data import arrays, embedded, image_folder, kaggle_csv, mnist
from inkfast.synthetic import handwriting

__all__ = ["WORDS", "Digits", "Source", "Survey", "load", "stratified_split", "survey"]

WORDS = {
    "auto": "MNIST when it is on disk or can be downloaded, else the embedded digits",
    "mnist": "60,000 + 10,000 digits, 28x28 (LeCun et al. 1998)",
    "embedded": "1,797 digits that come with scikit-learn, 8x8 brought to 28x28",
    "synthetic": "20,000 digits drawn by a program, in styles that MNIST has few of",
    "FILE.csv": "Kaggle digit-recognizer: label,pixel0..pixel783",
    "FILE.npz": "arrays images and labels, or x_train, y_train, x_test, y_test",
    "FILE.npy": "images alone, (n, 28, 28) or (n, 784)",
    "FOLDER": "pictures in one subfolder per class, 0 to 9",
}


def load(source: str, report: Callable[[str, int, int], None] = lambda *_: None) -> Source:
    """Load digits from a word or a path.

    Args:
        source: One of `WORDS`.
        report: Told of download progress: file name, bytes so far, bytes in all.

    Raises:
        InkfastError: If the source is unknown or what it holds cannot be used.
    """
    if source == "mnist":
        return mnist.load_mnist()
    if source == "embedded":
        return embedded.load_embedded()
    if source == "synthetic":
        return handwriting.load_handwriting()
    if source == "auto":
        return _auto(report)
    path = _path(source)
    if path.is_dir():
        return image_folder.load_folder(path)
    readers = {".csv": kaggle_csv.load_csv, ".npz": arrays.load_arrays, ".npy": arrays.load_arrays}
    if path.is_file():
        if path.suffix.lower() not in readers:
            raise InkfastError(
                f"{path}: expected a .csv, .npz or .npy file or a folder of pictures."
            )
        return readers[path.suffix.lower()](path)
    if path.suffix or "/" in source:
        raise InkfastError(f"{source}: there is no such file or folder.")
    raise unknown_name("data source", source, WORDS)


def survey(source: str, report: Callable[[str, int, int], None] = lambda *_: None) -> Survey:
    """Load digits as `load` does, with what is known of their files.

    Of a folder, pictures that cannot be read are left out and named instead of ending the load.
    """
    if source not in WORDS and _path(source).is_dir():
        return image_folder.survey_folder(_path(source))
    loaded = load(source, report)
    parts = [part for part in (loaded.train, loaded.test) if part is not None]
    return Survey(source=loaded, sizes={(SIDE, SIDE): sum(map(len, parts))})


def _path(source: str) -> Path:
    return Path(os.path.expanduser(source) if source.startswith("~") else source)


def asked_again(asked: str, name: str) -> str:
    """Return how to ask for the same data from anywhere: ``auto`` resolved, paths absolute."""
    if asked == "auto":
        return name
    if asked in WORDS:  # a folder of that name is another thing
        return asked
    return str(Path(asked).absolute()) if Path(asked).exists() else asked


def _auto(report: Callable[[str, int, int], None]) -> Source:
    if mnist.find_mnist() is None:
        try:
            mnist.fetch_mnist(report)
        except InkfastError:  # said loudly through the notice of the embedded digits
            return embedded.load_embedded()
    return mnist.load_mnist()
