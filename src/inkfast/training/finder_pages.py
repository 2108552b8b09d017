"""Pages that a finder of numbers is trained on: composed once, kept in shards, cut to squares."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inkfast.core.io import write_bytes
from inkfast.core.random import derive_seed
from inkfast.inference.finder_maps import GreyPage, normalize_page
from inkfast.synthetic.pages import compose_page
from inkfast.synthetic.strips import Handwriting
from inkfast.training.finder_targets import IGNORED, NUMBER, OTHER, draw_target

_LEAST_SIDE, _GREATEST_SIDE = 24, 900  # pixels of a page's longer side after it is scaled
_WHOLE = 0.15  # share of the pages that are scaled to fit the square
_EDGED = 0.12  # share of the pages with a bar along some of its edges, as scanners leave them
_INVERTED = 0.25  # share of the pages whose grey values are inverted


@dataclass(frozen=True)
class LabelledPage:
    """A composed page.

    Attributes:
        image: uint8 ``(h, w)``.
        quads: Corners of rectangles, float32 ``(n, 4, 2)``.
        kinds: Kind of each, see `inkfast.training.finder_targets`.
    """

    image: GreyPage
    quads: NDArray[np.float32]
    kinds: NDArray[np.int8]


def compose_page_shards(
    folder: Path, handwriting: Handwriting, count: int, pages: int, seed: int
) -> Iterator[Path]:
    """Yield the shards of a folder; those that are missing are composed first.

    Args:
        folder: Folder of the shards.
        handwriting: Where hands are drawn from.
        count: Number of shards.
        pages: Number of pages in each shard.
        seed: Seed of the pages; every shard has a generator of its own.
    """
    for number in range(count):
        path = folder / f"{number:04}.npz"
        if not path.is_file():
            rng = np.random.default_rng(derive_seed(seed, "pages", number))
            composed = [_compose(handwriting, rng) for _ in range(pages)]
            write_bytes(path, _pack_pages(composed))
        yield path


def load_page_shard(path: Path) -> list[LabelledPage]:
    """Load the pages of a shard."""
    with np.load(path) as arrays:
        shapes, counts = arrays["shapes"], arrays["counts"]
        pixels = np.split(arrays["pixels"], np.cumsum(shapes.prod(axis=1))[:-1])
        ends = np.cumsum(counts)[:-1]
        quads, kinds = np.split(arrays["quads"], ends), np.split(arrays["kinds"], ends)
    return [
        LabelledPage(flat.reshape(shape), own, sort)
        for flat, shape, own, sort in zip(pixels, shapes, quads, kinds, strict=True)
    ]


def cut_square(
    page: LabelledPage, side: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a random square of a page at a random size: a network's input and its targets.

    Args:
        page: A composed page.
        side: Side of the square in pixels; a smaller page is filled up with zeros.
        rng: Random generator.

    Returns:
        float32 ``(side, side)``, and the maps of `FinderTarget`, ``(5, side / 4, side / 4)``.
    """
    image, quads = _rescale(page, side, rng)
    if rng.random() < _EDGED:
        image = _add_edges(image, rng)
    if rng.random() < _INVERTED:
        image = 255 - image
    whole = normalize_page(image)
    offset = [int(rng.integers(0, max(0, length - side) + 1)) for length in whole.shape]
    part = whole[offset[0] : offset[0] + side, offset[1] : offset[1] + side]
    square = np.zeros((side, side), np.float32)
    square[: part.shape[0], : part.shape[1]] = part
    target = draw_target((side, side), quads - np.array(offset[::-1]), page.kinds, part.shape)
    return square, target.stack()


def _rescale(
    page: LabelledPage, side: int, rng: np.random.Generator
) -> tuple[GreyPage, NDArray[np.float64]]:
    """Return a page and its rectangles at a random size."""
    longest = max(page.image.shape)
    factor = float(np.exp(rng.uniform(np.log(0.5), np.log(1.6))))
    if rng.random() < _WHOLE:
        factor = side / longest * rng.uniform(0.9, 1.1)
    factor = float(np.clip(factor, _LEAST_SIDE / longest, _GREATEST_SIDE / longest))
    height, width = (max(8, round(length * factor)) for length in page.image.shape)
    image = Image.fromarray(page.image).resize((width, height), Image.Resampling.BILINEAR)
    scale = np.array([width, height]) / page.image.shape[::-1]
    return np.asarray(image), page.quads * scale


def _add_edges(image: GreyPage, rng: np.random.Generator) -> GreyPage:
    """Return a page with bars of one grey value along one to four of its edges."""
    edged = image.copy()
    grey = int(rng.choice([0, 0, 255, int(rng.integers(256))]))
    for side in (edged, edged[::-1], edged.T, edged.T[::-1]):  # views: a bar along each edge
        if rng.random() < 0.5:
            side[: max(1, int(rng.uniform(0.01, 0.07) * len(side)))] = grey
    return edged


def _compose(handwriting: Handwriting, rng: np.random.Generator) -> LabelledPage:
    page = compose_page(handwriting, rng)
    quads = np.concatenate([page.numbers, page.others, page.ignored]).astype(np.float32)
    lengths = [len(page.numbers), len(page.others), len(page.ignored)]
    return LabelledPage(
        page.image, quads, np.repeat([NUMBER, OTHER, IGNORED], lengths).astype(np.int8)
    )


def _pack_pages(pages: list[LabelledPage]) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        pixels=np.concatenate([page.image.ravel() for page in pages]),
        shapes=np.array([page.image.shape for page in pages], np.int32),
        quads=np.concatenate([page.quads for page in pages]),
        kinds=np.concatenate([page.kinds for page in pages]),
        counts=np.array([len(page.quads) for page in pages], np.int32),
    )
    return buffer.getvalue()
