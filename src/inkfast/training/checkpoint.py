"""Checkpoints: the training state after each epoch, as two files.

``epoch-000003.safetensors`` has every tensor, ``epoch-000003.json`` the rest and the SHA-256 of the
first file. The JSON is written last: without it, or with another SHA-256, the checkpoint before is
used. Random state is not saved, since every draw depends on (seed, purpose, epoch).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.optim import Optimizer

from inkfast.core.errors import InkfastError, check_choice, check_number
from inkfast.core.io import read_object, sha256, write_bytes, write_json
from inkfast.training.trained_model import PRECISIONS, Epoch, EpochRecord

VERSION = 2  # of the format of a checkpoint
KEPT = 2  # the newest and the one before, in case the newest is damaged


def save_checkpoint(
    folder: Path, epoch: int, tensors: dict[str, Tensor], state: dict[str, Any]
) -> None:
    """Write the checkpoint of a finished epoch and delete older ones, see `KEPT`."""
    content = safetensors.torch.save({k: v.detach().contiguous().cpu() for k, v in tensors.items()})
    write_bytes(_tensors_path(folder, epoch), content)
    known = {"version": VERSION, "epoch": epoch, "sha256": sha256(content)}
    write_json(_state_path(folder, epoch), {**state, **known})
    for old in sorted(folder.glob("epoch-*.json"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def load_newest_checkpoint(
    folder: Path, optimisers: Sequence[Optimizer] = (), epochs: type[EpochRecord] = Epoch
) -> tuple[dict[str, Tensor], dict[str, Any], list[str]]:
    """Return tensors and state of the newest valid checkpoint, and the faults of newer ones.

    Args:
        folder: Folder of the checkpoints.
        optimisers: Optimisers that the state must fit if training is resumed.
        epochs: Type of the epochs of its history.

    Returns:
        The tensors and the state, both empty if there is no valid checkpoint, and one sentence for
        each newer checkpoint that cannot be used.
    """
    faults: list[str] = []
    for path in sorted(folder.glob("epoch-*.json"), reverse=True):
        try:
            state = read_object(path)
            content = path.with_suffix(".safetensors").read_bytes()
            if sha256(content) != state["sha256"]:
                raise InkfastError("its SHA-256 differs")
            if state.get("version") != VERSION:
                raise InkfastError("another version of inkfast wrote it")
            _check_state(state, optimisers, epochs)
            return safetensors.torch.load(content), state, faults
        except (
            InkfastError, OSError, KeyError, TypeError, ValueError, RecursionError, SafetensorError,
        ) as error:  # fmt: skip
            faults.append(f"checkpoint {path.stem} cannot be used ({error}); skipped")
    return {}, {}, faults


def _check_state(
    state: dict[str, Any], optimisers: Sequence[Optimizer], epochs: type[EpochRecord]
) -> None:
    """Raise unless a state has the types and the optimisers that a fit can be resumed with."""
    check_number("threads", state["threads"], low=1, whole=True)
    check_choice("precision", state["precision"], PRECISIONS)
    if len(epochs.read_all(state["history"])) != state["epoch"]:
        raise InkfastError("its history has other epochs")
    wanted = pack_optimisers(optimisers)[1]
    if optimisers and list(map(_kinds_of_text, state["groups"])) != [*map(_kinds_of_text, wanted)]:
        raise InkfastError("its `groups` belong to other optimisers")


def _kinds_of_text(text: str) -> Any:
    return _kinds(json.loads(text))


def _kinds(value: Any) -> Any:
    """Return JSON with each value replaced by its type; `params` stay as they are."""
    if isinstance(value, dict):
        return {key: v if key == "params" else _kinds(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_kinds(v) for v in value]
    if value is None or isinstance(value, bool):
        return "switch"  # None or bool: which implementations exist depends on the machine
    return "number" if isinstance(value, int | float) else type(value).__name__


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished fit."""
    for path in [*folder.glob("epoch-*"), *folder.glob(".epoch-*")]:
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def pack_optimisers(optimisers: Sequence[Optimizer]) -> tuple[dict[str, Tensor], list[str]]:
    """Split the state of optimisers into tensors and JSON."""
    states = [optimiser.state_dict() for optimiser in optimisers]
    tensors = {
        f"optimiser.{number}.{index}.{key}": value
        for number, state in enumerate(states)
        for index, values in state["state"].items()
        for key, value in values.items()
        if isinstance(value, Tensor)
    }
    return tensors, [json.dumps(state["param_groups"]) for state in states]


def unpack_optimisers(
    optimisers: Sequence[Optimizer], tensors: dict[str, Tensor], groups: Sequence[str]
) -> None:
    """Restore the state that `pack_optimisers` returned."""
    for number, (optimiser, text) in enumerate(zip(optimisers, groups, strict=True)):
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors_under(tensors, f"optimiser.{number}").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        optimiser.load_state_dict({"state": state, "param_groups": json.loads(text)})
        for parameter, values in optimiser.state.items():
            for key, value in values.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    # fused optimisers walk memory, so the layout must be the parameter's own
                    values[key] = torch.empty_like(parameter).copy_(value)


def tensors_under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with ``prefix.``, with the prefix removed."""
    start = prefix + "."
    return {name[len(start) :]: v for name, v in tensors.items() if name.startswith(start)}


def _tensors_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:06d}.safetensors"


def _state_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch:06d}.json"
