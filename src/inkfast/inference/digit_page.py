"""Read a page with a network of single digits.

The shipped networks of numbers find the numbers and where their characters stand; every digit is
cut out and read by the given network, which may be one's own.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import prod

import numpy as np

from inkfast.core.digits import SIDE, Images
from inkfast.core.errors import InkfastError, NoInkError
from inkfast.imaging.centering import center_digit
from inkfast.imaging.normalization import isolate_digit
from inkfast.imaging.opening import LoadedImage
from inkfast.inference.number_page import read_number_page
from inkfast.inference.number_reader import NumberReader
from inkfast.inference.numbers import Character, NumberReading
from inkfast.inference.page_result import Page, PageNumber
from inkfast.inference.read_options import NOTHING_KNOWN, ReadOptions
from inkfast.inference.reader import Prediction, Reader
from inkfast.inference.regions import strip_columns


def read_digit_page(
    image: LoadedImage, reader: Reader, options: ReadOptions = NOTHING_KNOWN
) -> Page:
    """Find the numbers of an image and read their digits one by one.

    Args:
        image: Image of any size; see `inkfast.inference.page.open_page`.
        reader: Reader of single digits.
        options: What is known about the numbers beforehand.

    Returns:
        The numbers line by line; none if nothing looks like a number.

    Raises:
        InkfastError: See `check_reads_pages`.
    """
    check_reads_pages(reader)
    page = read_number_page(image, _number_reader(), options)
    images = [_digit_images(number) for number in page.numbers]
    seen = [one for number in images for one in number.values()]
    predictions = iter(reader.predict(np.stack(seen)) if seen else [])
    numbers = [
        _with_digits(number, own, {place: next(predictions) for place in own}, options)
        for number, own in zip(page.numbers, images, strict=True)
    ]
    return replace(page, numbers=tuple(numbers))


def check_reads_pages(reader: Reader) -> None:
    """Raise `InkfastError` if a network returns labels alone, which make no confidence."""
    if reader.labels_only:
        raise InkfastError(
            f"{reader.classifier.name} returns labels alone: expected a network with probabilities "
            "or logits to read numbers. Images of one digit each are read by `inkfast predict`."
        )


@cache
def _number_reader() -> NumberReader:
    return NumberReader.open(threads=1)


def _digit_images(number: PageNumber) -> dict[int, Images]:
    """Return the 28x28 image of each digit of a number by its place in the text."""
    images = {}
    for place, one in enumerate(number.reading.characters):
        if one.text.isdigit():
            strip = number.image[:, strip_columns(number.image.shape, one.start, one.end)]
            try:
                images[place] = center_digit(isolate_digit(strip.astype(np.float32) / 255))
            except NoInkError:
                images[place] = np.zeros((SIDE, SIDE), np.uint8)
    return images


def _with_digits(
    number: PageNumber, images: dict[int, Images], predictions: dict[int, Prediction],
    options: ReadOptions,
) -> PageNumber:  # fmt: skip
    """Return a number with the digits that were read one by one, and the images of these."""
    reading = combine_digits(number.reading, predictions)
    seen = np.concatenate(list(images.values()), axis=1) if images else number.image
    return replace(number, reading=options.check(reading), image=seen)


def combine_digits(reading: NumberReading, predictions: dict[int, Prediction]) -> NumberReading:
    """Return the reading of a number with some of its digits replaced.

    The confidence is the product of those of the characters, since every one must be right. The
    runner-up changes the one digit that costs least. The number is unsure if one of the digits is,
    or if the first reading was: then its digits may have been cut out wrongly.

    Args:
        reading: What the network of numbers says.
        predictions: What the network of digits says, by place in the text.
    """
    characters = [
        _to_character(one, predictions[place]) if place in predictions else one
        for place, one in enumerate(reading.characters)
    ]
    confidence = prod(one.confidence for one in characters)
    odds = {k: one.runner_up_confidence / one.confidence for k, one in predictions.items()}
    text = runner_up = "".join(one.text for one in characters)
    if odds:
        place = max(odds, key=lambda k: odds[k])
        runner_up = text[:place] + str(predictions[place].runner_up) + text[place + 1 :]
    return NumberReading(
        text,
        confidence,
        runner_up,
        confidence * max(odds.values(), default=0.0),
        tuple(characters),
        reading.unsure or _first_reason([one.unsure for one in characters]),
    )


def _to_character(one: Character, prediction: Prediction) -> Character:
    return replace(
        one,
        text=str(prediction.digit),
        confidence=prediction.confidence,
        unsure=prediction.unsure,
    )


def _first_reason(reasons: list[str]) -> str:
    """Return why a number is unsure: the reason of its first unsure digit, and where it stands."""
    unsure = [place for place, reason in enumerate(reasons, start=1) if reason]
    if not unsure or len(reasons) == 1:
        return reasons[0] if reasons else ""
    more = f" (and {len(unsure) - 1} more)" if len(unsure) > 1 else ""
    return f"character {unsure[0]}: {reasons[unsure[0] - 1]}{more}"
