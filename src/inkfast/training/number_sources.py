"""What training strips are composed of: pen strokes and images of digits, split by writer."""

from __future__ import annotations

from dataclasses import dataclass

from inkfast import data
from inkfast.core.digits import Digits
from inkfast.core.io import sha256
from inkfast.data.base import Report, no_report
from inkfast.synthetic.drawn_strokes import draw_library
from inkfast.synthetic.hands import RasterDigits, StrokeLibrary, split_writers
from inkfast.synthetic.pen_strokes import PenStrokes, load_pen_strokes
from inkfast.synthetic.strips import Handwriting
from inkfast.training.number_recipe import NumberRecipe, parse_rasters

# Origin, licence and citation of what training strips are composed of, for exported files.
_ATTRIBUTIONS = {
    "unipen": "UniPen train_r01_v07, International Unipen Foundation, Zenodo 1195803, CC BY 4.0; "
    "strokes were cut out, scaled and drawn",
    "drawn": "strokes drawn by inkfast",
    "synthetic": "digits drawn by inkfast",
    "mnist": "MNIST, Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0",
    "optdigits": "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI "
    "Machine Learning Repository, CC BY 4.0",
}
_LEFT_OUT = 12  # one in so many rows of a data set of images is left out, the last ones


@dataclass(frozen=True)
class HandSources:
    """The hands that training strips are written in, and those of validation strips.

    Attributes:
        training: Hands of training strips.
        left_out: Hands of validation and calibration strips; no writer of pen strokes and no image
            is in both.
        fingerprint: SHA-256 of all strokes and images.
    """

    training: Handwriting
    left_out: Handwriting
    fingerprint: str


def load_hands(recipe: NumberRecipe, report: Report = no_report) -> HandSources:
    """Load what a recipe's strips are composed of.

    Args:
        recipe: Names of the sources.
        report: Called with the progress of downloads.

    Raises:
        InkfastError: If one of them is not on this machine, or cannot be loaded.
    """
    libraries = _drawn_libraries() if recipe.strokes == "drawn" else _unipen_libraries()
    rasters = [
        (data.load(name, report).train, share)
        for name, share in parse_rasters(recipe.rasters).items()
    ]
    cut = [len(digits) - len(digits) // _LEFT_OUT for digits, _ in rasters]
    known = [digits.fingerprint.encode() for digits, _ in rasters]
    known += [_strokes_content(strokes) for strokes in _all_strokes(libraries)]
    return HandSources(
        Handwriting(libraries[0], _cut_rasters(rasters, [slice(end) for end in cut])),
        Handwriting(libraries[1], _cut_rasters(rasters, [slice(end, None) for end in cut])),
        sha256(*known),
    )


def attributions(recipe: NumberRecipe) -> list[str]:
    """Return origin and licence of everything that a recipe's strips are composed of."""
    names = [recipe.strokes, *parse_rasters(recipe.rasters)]
    return [_ATTRIBUTIONS.get(name, f"{name}, licence not known") for name in names]


def _drawn_libraries() -> tuple[StrokeLibrary, StrokeLibrary]:
    return draw_library(seed=0), draw_library(seed=1)


def _unipen_libraries() -> tuple[StrokeLibrary, StrokeLibrary]:
    """Return UniPen's strokes by the writers to train on, and by those left out."""
    kinds = (load_pen_strokes("digits"), load_pen_strokes("symbols"), load_pen_strokes("letters"))
    writers = split_writers(strokes.writer(i) for strokes in kinds for i in range(len(strokes)))
    training, left_out = (StrokeLibrary(*kinds, names) for names in writers)
    return training, left_out


def _all_strokes(libraries: tuple[StrokeLibrary, StrokeLibrary]) -> list[PenStrokes]:
    return [part for one in libraries for part in (one.digits, one.symbols, one.letters)]


def _strokes_content(strokes: PenStrokes) -> bytes:
    arrays = (strokes.points, strokes.stroke_start, strokes.sample_start, strokes.writers)
    return b"".join(array.tobytes() for array in arrays) + "/".join(strokes.labels).encode()


def _cut_rasters(
    rasters: list[tuple[Digits, float]], rows: list[slice]
) -> tuple[tuple[RasterDigits, float], ...]:
    return tuple(
        (RasterDigits(_cut_digits(digits, part)), share)
        for (digits, share), part in zip(rasters, rows, strict=True)
    )


def _cut_digits(digits: Digits, rows: slice) -> Digits:
    return Digits(digits.images[rows], digits.known_labels[rows], digits.name)
