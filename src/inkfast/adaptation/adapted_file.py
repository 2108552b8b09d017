"""`adapt_reader`: from corrected answers to an adapted ONNX file with its model card."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path

import numpy as np

from inkfast.adaptation.adaptation import HELD_BACK, adapt_layer
from inkfast.adaptation.adapted_reader import ADAPTED, AdaptedReader, adapted_metadata
from inkfast.adaptation.corrected_digits import NO_DIGIT, CorrectedDigits
from inkfast.adaptation.corrected_images import load_digit_views, load_strips
from inkfast.adaptation.corrected_numbers import CorrectedNumbers
from inkfast.adaptation.last_layer import SplitNetwork
from inkfast.adaptation.model_card import adapted_model_card
from inkfast.core.digits import MIN_CONFIDENCE
from inkfast.core.errors import InkfastError, check_number
from inkfast.core.io import check_free, sha256, write_bytes, write_json, write_text
from inkfast.inference.corrections import Correction, load_corrections
from inkfast.inference.number_network import OnnxNumberNetwork
from inkfast.inference.number_reader import DEFAULT_NUMBER_MODEL, NUMBERS_FOLDER
from inkfast.inference.numbers import DIGITS
from inkfast.inference.onnx_classifier import ModelMetadata, OnnxClassifier, read_verified
from inkfast.inference.reader import DEFAULT_MODEL, SHIPPED_FOLDER, model_path

_DEFAULT_ERROR = 0.05  # share of errors that is aimed at if the network guarantees none
_KINDS = {
    "digit": (DEFAULT_MODEL, SHIPPED_FOLDER),
    "number": (DEFAULT_NUMBER_MODEL, NUMBERS_FOLDER),
}


def adapt_reader(
    corrections: Path,
    to: Path,
    model: str | None = None,
    max_error: float | None = None,
    *,
    hold_back: float = HELD_BACK,
    overwrite: bool = False,
) -> AdaptedReader:
    """Adapt a network to corrected answers; write it, its metadata and a model card.

    The file `to` has a `.json` file with its SHA-256 and a `.md` file with its model card beside
    it. Nothing is written unless all is well.

    Args:
        corrections: Corrected answers of `read` or `predict`, see
            `inkfast.inference.corrections.load_corrections`.
        to: Path of the file, ending in `.onnx`.
        model: Name of a shipped network or path of an .onnx file that `inkfast export` wrote; by
            default the shipped network that reads such answers.
        max_error: Share of errors among the answers that the threshold aims at, in (0, 1); by
            default that of the network.
        hold_back: Share of the corrections on which the guarantee is tested, from 0.05 to 0.9.
        overwrite: Whether existing files are replaced.

    Raises:
        InkfastError: If the corrections are too few, all alike or of other answers, an image is
            gone, the network cannot be adapted, or adapting makes it worse.
    """
    if to.suffix.lower() != ".onnx":
        raise InkfastError(f"`to` must be a file that ends in .onnx, got {to}.")
    for file in (to, to.with_suffix(".json"), to.with_suffix(".md")):
        check_free(file, overwrite=overwrite)
    found = load_corrections(corrections)
    what = found[0].what
    name, folder = _KINDS[what]
    path = model_path(model or name, folder)
    content = read_verified(path)
    reader = _open_reader(what, content, path)
    metadata = reader.metadata
    network = SplitNetwork(content, str(path))
    corrected = _corrected(found, reader, network, corrections.parent)
    aimed, threshold = _aim(metadata, max_error)
    adaptation = adapt_layer(corrected, aimed, threshold, held_back=hold_back)
    shown = f"the shipped {path.stem}" if path.parent == folder else str(path)
    adapted = AdaptedReader(to, shown, what, len(corrected), adaptation)
    about = adapted_metadata(adapted, metadata.values, reader.fingerprint)
    layer = adaptation.layer
    if what == "digit":  # readers of numbers divide by a temperature themselves
        layer = layer.divided_by(adaptation.temperature)
    written = network.with_layer(layer, about)
    type(reader)(written, str(to))  # it opens, or nothing is written
    write_bytes(to, written)
    write_json(to.with_suffix(".json"), about | {"sha256": sha256(written)})
    write_text(to.with_suffix(".md"), adapted_model_card(to.name, shown, about))
    return adapted


def _open_reader(what: str, content: bytes, path: Path) -> OnnxClassifier | OnnxNumberNetwork:
    """Return the network that reads a kind of answers.

    Raises:
        InkfastError: If it is another network, or was adapted already.
    """
    kind = OnnxClassifier if what == "digit" else OnnxNumberNetwork
    reader: OnnxClassifier | OnnxNumberNetwork = kind(content, str(path))
    adapted = reader.metadata.values.get(ADAPTED)
    if adapted is not None:
        raise InkfastError(
            f"{path} was adapted already: adapt the network that it was made from, "
            f"{adapted['name']}, to all corrections."
        )
    return reader


def _corrected(
    found: Sequence[Correction],
    reader: OnnxClassifier | OnnxNumberNetwork,
    network: SplitNetwork,
    folder: Path,
) -> CorrectedDigits | CorrectedNumbers:
    """Return corrections with their images.

    Raises:
        InkfastError: If all are alike, or an image is gone.
    """
    texts = {one.text for one in found}
    if len(texts) < 2:
        raise InkfastError(
            f"expected corrections of several {found[0].what}s, got {len(found)} times "
            f"{found[0].corrected}. Correct others as well: inkfast review"
        )
    if isinstance(reader, OnnxClassifier):
        views, labels = load_digit_views(found, folder)
        if len(np.unique(labels[labels != NO_DIGIT])) < 2:
            raise InkfastError("expected corrections of at least two classes, got fewer.")
        return CorrectedDigits(network, reader, views, labels)
    named = reader.metadata.number("temperature")
    return CorrectedNumbers(
        network,
        load_strips(found, folder),
        [one.text for one in found],
        1.0 if isnan(named) else named,
        digits_only=all(set(one.text + one.answer) <= set(DIGITS) for one in found),
    )


def _aim(metadata: ModelMetadata, max_error: float | None) -> tuple[float, float]:
    """Return the share of errors that is aimed at, and the least threshold."""
    if max_error is not None:
        check_number("max_error", max_error, above=0, high=0.999)
    named, threshold = metadata.number("max_error"), metadata.number("threshold")
    aimed = max_error or (_DEFAULT_ERROR if isnan(named) else named)
    usable = not isnan(threshold) and threshold <= 1 and max_error in (None, named)
    return aimed, max(MIN_CONFIDENCE, threshold) if usable else MIN_CONFIDENCE
