"""Fitted estimators as bytes, through skops: no pickle, and only types that were named are loaded.

The same estimator gives the same bytes: skops names an archive's parts by memory address and dates
them, so they are named by their order and dated alike before they are kept.
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from inkfast.core.errors import InkfastError

_SCHEMA = "schema.json"


def pack(fitted: dict[str, Any]) -> bytes:
    """Return an estimator and what belongs to it as a compressed skops archive."""
    import skops.io

    buffer = io.BytesIO()
    with (
        ZipFile(io.BytesIO(skops.io.dumps(fitted, compression=ZIP_STORED))) as given,
        ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=1) as kept,
    ):
        names: dict[str, str] = {}

        def renamed(part: dict[str, Any]) -> dict[str, Any]:
            part.pop("__id__", None)
            if isinstance(file := part.get("file"), str):
                part["file"] = names.setdefault(file, f"{len(names)}{file[file.rindex('.') :]}")
            return part

        schema = json.loads(given.read(_SCHEMA), object_hook=renamed)
        for old, new in names.items():
            kept.writestr(_entry(new), given.read(old))
        kept.writestr(_entry(_SCHEMA), json.dumps(schema))
    return buffer.getvalue()


def unpack(content: bytes, trusted: Sequence[str]) -> dict[str, Any]:
    """Return what `pack` packed.

    Args:
        content: The archive.
        trusted: Types to load besides those of scikit-learn and NumPy that skops itself trusts.

    Raises:
        InkfastError: If it is damaged, holds any other type, or comes from another scikit-learn.
    """
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return dict(skops.io.loads(content, trusted=list(trusted)))
    except UntrustedTypesFoundException as error:
        reason = str(error).splitlines()[0]
        raise InkfastError(f"its estimator holds what is not trusted: {reason}") from None
    except Exception as error:  # a damaged archive fails anywhere between zlib and scikit-learn
        reason = str(error).split("\n", 1)[0].strip() or type(error).__name__
        raise InkfastError(f"its estimator cannot be read: {reason}") from None


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # dated 1980, whenever it is
    entry.compress_type = ZIP_DEFLATED
    return entry
