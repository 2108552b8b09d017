"""Small files in the formats that inkfast reads, good and bad."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np


def idx_images(images: np.ndarray) -> bytes:
    """Return images in MNIST's IDX form."""
    return struct.pack(">IIII", 2051, *images.shape) + images.tobytes()


def idx_labels(labels: np.ndarray) -> bytes:
    """Return labels in MNIST's IDX form."""
    return struct.pack(">II", 2049, len(labels)) + labels.astype(np.uint8).tobytes()


def payloads(rows: int = 30) -> dict[str, bytes]:
    """Return the four files of a very small MNIST."""
    rng = np.random.default_rng(0)
    files = {}
    for part in ("train", "t10k"):
        files[f"{part}-images-idx3-ubyte"] = idx_images(
            rng.integers(0, 256, (rows, 28, 28), np.uint8)
        )
        files[f"{part}-labels-idx1-ubyte"] = idx_labels(np.arange(rows) % 10)
    return files


def write_gz(folder: Path, files: dict[str, bytes]) -> None:
    """Write every file compressed, under its name with .gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))


def kaggle_csv(rows: int, labelled: bool = True) -> str:
    """Return a digit-recognizer CSV."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (rows, 784))
    header = [f"pixel{i}" for i in range(784)]
    lines = [",".join((["label"] if labelled else []) + header)]
    for i, row in enumerate(pixels):
        lines.append(",".join(map(str, ([i % 10] if labelled else []) + row.tolist())))
    return "\n".join(lines) + "\n"
