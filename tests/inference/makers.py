"""Small ONNX classifiers, good and bad."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


def classifier(
    shape: Sequence[int | str] = ("n", 28, 28),
    *,
    kind: int = TensorProto.UINT8,
    classes: int = 10,
    softmax: bool = True,
) -> onnx.ModelProto:
    """Return a model whose class is told by which tenth of the pixels is brightest."""
    pixels = int(np.prod(shape[1:]))
    weights = np.zeros((pixels, classes), np.float32)
    weights[np.arange(pixels), np.arange(pixels) * classes // pixels] = 0.01
    nodes = [
        helper.make_node("Cast", ["images"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["numbers"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax" if softmax else "Identity", ["logits"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, [shape[0], classes])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def bars(count: int = 10) -> np.ndarray:
    """Return images ``(n, 28, 28)`` that `classifier` reads as 0, 1, .. 9, 0, .."""
    images = np.zeros((count, 784), np.uint8)
    for row, image in enumerate(images):
        image[(np.arange(784) * 10 // 784) == row % 10] = 255
    return images.reshape(count, 28, 28)


def png(image: np.ndarray) -> bytes:
    """Return an image as the bytes of a PNG file."""
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def write_pictures(folder: Path, images: np.ndarray) -> Path:
    """Write images as 000.png, 001.png, .. and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for row, image in enumerate(images):
        (folder / f"{row:03d}.png").write_bytes(png(image))
    return folder


def write_csv(path: Path, images: np.ndarray, *, labelled: bool = False) -> Path:
    """Write images as a CSV of Kaggle's digit-recognizer."""
    names = [*(["label"] if labelled else []), *(f"pixel{i}" for i in range(784))]
    rows = [[*([row % 10] if labelled else []), *image.ravel()] for row, image in enumerate(images)]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in [names, *rows]))
    return path
