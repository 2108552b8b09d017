"""Fitted estimators as bytes with skops: no pickle, and only trusted types are loaded.

Equal estimators give equal bytes: skops names the parts of an archive by memory address and dates
them, so parts are renamed by their order and get a fixed date.
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
    """Return an estimator and its settings as a compressed skops archive."""
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
        trusted: Types to load besides those of scikit-learn and NumPy that skops trusts.

    Raises:
        InkfastError: If it is damaged, holds another type, or was written by another scikit-learn.
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
    except Exception as error:  # a damaged archive fails in zlib, skops or scikit-learn
        reason = str(error).split("\n", 1)[0].strip() or type(error).__name__
        raise InkfastError(f"its estimator cannot be read: {reason}") from None


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name)  # always dated 1980
    entry.compress_type = ZIP_DEFLATED
    return entry
