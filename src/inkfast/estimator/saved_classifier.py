"""A fitted `DigitClassifier` as one safetensors file: tensors, and JSON in its header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor, nn

from inkfast import models
from inkfast.core.errors import InkfastError, short_repr
from inkfast.core.io import check_free, sha256, write_bytes
from inkfast.core.plugins import check_installed
from inkfast.estimator.features import PixelFeatures, TabularFeatures
from inkfast.estimator.held_back import HeldBack
from inkfast.models import Architecture, OwnNetwork
from inkfast.training import TrainedModel
from inkfast.training.checkpoint import tensors_under
from inkfast.training.trained_model import copy_weights, restore_module

SUFFIX = ".safetensors"
_HEADER = "inkfast"  # key of the JSON in the file's header
_FORMAT = 1
_WEIGHTS, _HELD_BACK = "weights", "held_back"
_KINDS = "biuUf"  # NumPy's letters for kinds of labels that JSON keeps: bool, int, text, float

Fitted = dict[str, Any]  # attributes of a fitted classifier by name


def write_classifier(
    path: Path, parameters: Mapping[str, Any], fitted: Fitted, *, overwrite: bool
) -> None:
    """Write parameters and fitted attributes of a classifier as one file.

    Raises:
        InkfastError: If the file exists, or labels or parameters cannot be written as JSON.
    """
    if path.suffix.lower() != SUFFIX:
        raise InkfastError(f"`path` must end in {SUFFIX}, got {path}.")
    check_free(path, overwrite=overwrite)
    trained, held_back = fitted["trained_"], fitted["held_back_"]
    parts = {_WEIGHTS: copy_weights(trained.model)}
    if held_back is not None:
        parts[_HELD_BACK] = {key: torch.tensor(value) for key, value in vars(held_back).items()}
    tensors = {
        f"{part}.{name}": value for part, found in parts.items() for name, value in found.items()
    }
    about = {
        "format": _FORMAT,
        "inkfast": version("inkfast"),
        "parameters": _plain_parameters(parameters, trained.seed),
        "own_module": isinstance(trained.architecture, OwnNetwork),
        "trained": trained.describe(),
        "classes": _plain_labels(fitted["classes_"]),
        "features": _plain_features(fitted["features_"]),
        "feature_names": _plain_names(fitted.get("feature_names_in_")),
        "n_features": fitted["n_features_in_"],
        "n_validation": fitted["n_validation_"],
        "digits": fitted["fingerprint_"],
        "sha256": _tensors_hash(tensors),
    }
    write_bytes(path, safetensors.torch.save(tensors, {_HEADER: json.dumps(about)}))


def read_classifier(path: Path, model: Any = None) -> tuple[dict[str, Any], Fitted]:
    """Return parameters and fitted attributes of a file that `write_classifier` wrote.

    Args:
        path: The file.
        model: Own module, or function that makes one, of a classifier that had one.

    Raises:
        InkfastError: If it cannot be read, was changed, or needs another `model`.
    """
    about, tensors = _read_file(path)
    try:
        check_installed(about["trained"].get("requires", []), str(path))
        architecture = _architecture(path, about, model)
        weights = tensors_under(tensors, _WEIGHTS)
        if isinstance(architecture, OwnNetwork):
            module = _own_module(path, architecture, weights)
        else:
            module = restore_module(architecture, weights)
        trained = TrainedModel.from_description(about["trained"], architecture, module)
        held_back = {k: v.numpy() for k, v in tensors_under(tensors, _HELD_BACK).items()}
        fitted: Fitted = {
            "classes_": np.array(about["classes"]["values"], about["classes"]["dtype"]),
            "features_": _features(about["features"]),
            "n_features_in_": about["n_features"],
            "n_validation_": about["n_validation"],
            "fingerprint_": about["digits"],
            "trained_": trained,
            "held_back_": HeldBack(**held_back) if held_back else None,
        }
        if about["feature_names"] is not None:
            fitted["feature_names_in_"] = np.array(about["feature_names"], object)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        if isinstance(error, InkfastError):
            raise
        raise _damaged(path, error) from None
    parameters = {**about["parameters"], **({"model": model} if about["own_module"] else {})}
    return parameters, fitted


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the JSON and the tensors of a file, whose SHA-256 is checked."""
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get(_HEADER, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise InkfastError(f"{path}: there is no such file. Check its path.") from None
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise _damaged(path, error) from None
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise InkfastError(
            f"{path}: expected a file that DigitClassifier.save of this inkfast wrote, got another."
        )
    if about.get("sha256") != _tensors_hash(tensors):
        raise _damaged(path, "its SHA-256 differs")
    return about, tensors


def _damaged(path: Path, reason: object) -> InkfastError:
    text = " ".join(str(reason).split())[:200]
    return InkfastError(f"{path} is damaged or was changed ({text}). Save the classifier again.")


def _architecture(path: Path, about: Mapping[str, Any], model: Any) -> Architecture:
    if about["own_module"]:
        if model is None:
            raise InkfastError(
                f"{path} was trained with a module of your own, "
                f"{about['trained']['architecture']}: give it, or the function that makes it, as "
                "`model`."
            )
        return OwnNetwork(given=model)
    if model is not None:
        raise InkfastError(f"{path} knows its model, {about['parameters']['model']}: leave it out.")
    return models.build_digit_model(about["trained"]["architecture"])


def _own_module(path: Path, architecture: OwnNetwork, weights: dict[str, Tensor]) -> nn.Module:
    module = models.create(architecture, Generator())
    shapes, given = (
        {name: tuple(value.shape) for name, value in found.items()}
        for found in (weights, module.state_dict())
    )
    if shapes != given:
        names = [name for name in {**shapes, **given} if shapes.get(name) != given.get(name)]
        raise InkfastError(
            f"{path}: expected the module that was saved, got {architecture} with other weights: "
            f"{short_repr(', '.join(names), 100)}."
        )
    module.load_state_dict(weights)
    return module.eval()


def _plain_parameters(parameters: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return parameters for JSON; a generator is replaced by the seed that it gave."""
    plain = {key: value.item() if isinstance(value, np.generic) else value
             for key, value in parameters.items()}  # fmt: skip
    if isinstance(plain["random_state"], np.random.RandomState):
        plain["random_state"] = seed
    if plain["recipe"] is not None:
        plain["recipe"] = {
            key: value.item() if isinstance(value, np.generic) else value
            for key, value in plain["recipe"].items()
        }
    if not isinstance(plain["model"], str):
        plain["model"] = None
    return plain


def _plain_labels(classes: NDArray[Any]) -> dict[str, Any]:
    text = classes.dtype == object and all(isinstance(one, str) for one in classes)
    if not text and classes.dtype.kind not in _KINDS:
        raise InkfastError(
            f"labels must be numbers or text to be saved, got {classes.dtype} such as "
            f"{short_repr(classes[0])}."
        )
    return {"dtype": "object" if text else classes.dtype.str, "values": classes.tolist()}


def _plain_features(features: PixelFeatures | TabularFeatures) -> dict[str, Any]:
    return {
        key: value.tolist() if isinstance(value, np.ndarray) else float(value)
        for key, value in asdict(features).items()
    }


def _features(values: Mapping[str, Any]) -> PixelFeatures | TabularFeatures:
    if "top" in values:
        return PixelFeatures(float(values["top"]))
    return TabularFeatures(np.array(values["low"]), np.array(values["high"]))


def _plain_names(names: NDArray[Any] | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]


def _tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors with their names, types and shapes."""
    return sha256(*(
        part
        for name, value in sorted(tensors.items())
        for part in (f"{name} {value.dtype} {tuple(value.shape)}".encode(), value.numpy().tobytes())
    ))  # fmt: skip
