"""Exporting a finder of numbers as an ONNX file: a normalised page in, maps out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inkfast.core.errors import InkfastError
from inkfast.experiments.onnx_export import silent, with_metadata
from inkfast.inference.finder import NumberFinder
from inkfast.inference.finder_maps import MULTIPLE, normalize_page, pad_page

_TOLERANCE = 1e-3  # largest difference of a value of the maps from torch's
_CHECKED_SIZES = ((28, 31), (64, 400), (333, 210))  # height and width in pixels


class _Graph(nn.Module):
    """The exported function: float32 ``(1, 1, h, w)`` in, maps out, the first two in [0, 1]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, page: Tensor) -> Tensor:
        maps = self.network(page)
        return torch.cat([maps[:, :2].sigmoid(), maps[:, 2:]], 1)


def export_finder(network: nn.Module, about: dict[str, Any]) -> bytes:
    """Return a network as the content of an ONNX file.

    Args:
        network: An `inkfast.models.number_finder.NumberFinderNetwork`.
        about: Metadata of the file.

    Raises:
        InkfastError: If the file gives other maps than the network.
    """
    graph = _Graph(network).eval()
    rows, columns = (torch.export.Dim(name, min=1, max=1024) for name in ("rows", "columns"))
    with silent():
        program = torch.onnx.export(
            graph,
            (torch.zeros(1, 1, 4 * MULTIPLE, 5 * MULTIPLE),),
            dynamo=True,
            input_names=["page"],
            output_names=["maps"],
            dynamic_shapes={"page": {2: MULTIPLE * rows, 3: MULTIPLE * columns}},
            external_data=False,
            verbose=False,
        )
    assert program is not None  # noqa: S101 - only older exporters return None
    content = with_metadata(bytes(program.model_proto.SerializeToString()), about)
    _check_parity(graph, NumberFinder(content))
    return content


def _check_parity(graph: nn.Module, finder: NumberFinder) -> None:
    rng = np.random.default_rng(0)
    for size in _CHECKED_SIZES:
        grey = rng.integers(0, 256, size, dtype=np.uint8)
        with torch.no_grad():
            page = torch.from_numpy(pad_page(normalize_page(grey)))
            expected = graph(page[None, None])[0].numpy()
        found = finder.predict_maps(grey)
        difference = np.abs(found - expected[:, : found.shape[1], : found.shape[2]]).max()
        if not difference <= _TOLERANCE:
            raise InkfastError(
                f"the exported finder differs from the network by {difference:.2g}, expected at "
                f"most {_TOLERANCE:g}."
            )
