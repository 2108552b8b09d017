"""A figure of digits under a corruption at several strengths."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure

from inkfast import noise
from inkfast.core.digits import CLASSES, Digits, Images
from inkfast.core.io import write_bytes
from inkfast.core.pixels import to_uint8, to_unit
from inkfast.core.random import make_generator
from inkfast.noise import MNIST_C, Chain


def write_noise_figure(text: str, digits: Digits, path: Path) -> None:
    """Write a PNG: one row of digits for each strength, the clean digits on top.

    A single corruption is shown at its five strengths and a published one at its five severities.
    A chain or preset, which has no single strength, is shown in three independent draws.
    """
    chain = noise.build_noise(text)
    clean = digits.images[_first_of_each_class(digits)]
    rows = {"clean": clean}
    if text.strip() in MNIST_C:
        for severity, level in enumerate(MNIST_C[text.strip()].chains, start=1):
            rows[f"severity {severity}"] = _corrupt(noise.build_noise(level), clean, 0)
    elif len(chain.noises) == 1:
        link = chain.noises[0]
        for strength in type(link).strengths:
            rows[f"{link.strength} {strength:g}"] = _corrupt(
                Chain((link.at(strength),), link.name), clean, 0
            )
    else:
        rows |= {f"draw {i}": _corrupt(chain, clean, i) for i in (1, 2, 3)}
    with mpl.rc_context({"font.size": 10}):
        figure = Figure(figsize=(0.75 * len(clean) + 1.6, 0.75 * len(rows) + 0.5), dpi=150)
        grid = figure.subplots(len(rows), len(clean), squeeze=False)
        figure.subplots_adjust(0.17, 0.02, 0.99, 0.88, wspace=0.06, hspace=0.06)
        figure.suptitle(chain.brief(), x=0.17, y=0.96, ha="left", fontsize=11)
        for line, (label, images) in zip(grid, rows.items(), strict=True):
            line[0].set_ylabel(label, rotation=0, ha="right", va="center")
            for axes, image in zip(line, images, strict=True):
                axes.imshow(image, cmap="gray", vmin=0, vmax=255)
                axes.set(xticks=[], yticks=[])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def _first_of_each_class(digits: Digits) -> np.ndarray:
    if digits.labels is None:
        return np.arange(min(CLASSES, len(digits)))
    firsts = [np.flatnonzero(digits.labels == digit)[:1] for digit in range(CLASSES)]
    return np.concatenate(firsts)


def _corrupt(chain: Chain, images: Images, draw: int) -> Images:
    corrupted = chain(to_unit(torch.tensor(images)), make_generator(draw, "picture"))
    return np.asarray(to_uint8(corrupted).numpy())
