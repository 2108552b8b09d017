"""Files of Zenodo records: found by the record's own metadata, downloaded and checked against it.

Source: developers.zenodo.org, REST API, "Records": each file has `key`, `size`, `checksum` and
`links.self`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inkfast.core.errors import InkfastError
from inkfast.data.base import Report
from inkfast.data.download import CONNECT_TIMEOUT, READ_TIMEOUT, describe_fault, download

_MOST_METADATA = 1 << 20  # bytes of a record's metadata that are read


@dataclass(frozen=True)
class RecordFile:
    """A file of a record.

    Attributes:
        name: Name of the file.
        size: Size in bytes.
        md5: MD5 of its content, hexadecimal.
        address: Address of its content.
    """

    name: str
    size: int
    md5: str
    address: str


def find_record_file(record: str, ending: str, advice: str) -> RecordFile:
    """Return the file of a record whose name has the given ending.

    Args:
        record: Address of the record's metadata.
        ending: End of the file's name.
        advice: Sentence for messages that says what else the user can do.

    Raises:
        InkfastError: If the metadata cannot be had or does not describe such a file.
    """
    entries = _read_metadata(record, advice).get("files")
    files = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    for entry in files:
        if str(entry.get("key", "")).endswith(ending):
            return _parse_entry(entry, record, advice)
    found = ", ".join(str(entry.get("key")) for entry in files) or "no files"
    raise InkfastError(f"{record}: expected a file that ends in {ending}, got {found}. {advice}")


def fetch_record_file(file: RecordFile, folder: Path, report: Report, advice: str) -> Path:
    """Download a file of a record into a folder, where it appears complete or not at all.

    Raises:
        InkfastError: If it cannot be downloaded, or size or checksum differ from the metadata.
    """

    def check(copy: Path) -> None:
        size = copy.stat().st_size
        if size != file.size:
            raise InkfastError(f"{size:,} bytes, the record says {file.size:,}")
        if _md5(copy) != file.md5:
            raise InkfastError("its MD5 differs from that of the record")

    return download(file.name, [file.address], folder, check, report, advice, limit=file.size)


def _read_metadata(record: str, advice: str) -> dict[str, Any]:
    import requests

    try:
        with requests.get(
            record,
            headers={"Accept": "application/json"},
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            stream=True,
        ) as answer:
            answer.raise_for_status()
            text = b""
            for chunk in answer.iter_content(1 << 16):
                text += chunk
                if len(text) > _MOST_METADATA:
                    raise InkfastError(f"{record}: expected metadata, got a large file. {advice}")
        content = json.loads(text)
    except requests.RequestException as error:
        raise InkfastError(f"cannot read {record}: {describe_fault(error)}. {advice}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, InkfastError):
            raise
        raise InkfastError(f"{record}: expected JSON, got something else. {advice}") from None
    if not isinstance(content, dict):
        raise InkfastError(f"{record}: expected a JSON object, got something else. {advice}")
    return content


def _parse_entry(entry: dict[str, Any], record: str, advice: str) -> RecordFile:
    name, size, checksum, links = (entry.get(k) for k in ("key", "size", "checksum", "links"))
    address = links.get("self") if isinstance(links, dict) else None
    kind, _, md5 = str(checksum).partition(":")
    valid = (
        isinstance(size, int) and size > 0 and kind == "md5" and len(md5) == 32
        and isinstance(address, str) and address.startswith(("http://", "https://"))
        and Path(str(name)).name == name
    )  # fmt: skip
    if not valid:
        raise InkfastError(
            f"{record}: expected a file's name, size, MD5 and address, got {str(entry)[:200]}. "
            f"{advice}"
        )
    return RecordFile(str(name), int(size or 0), md5.lower(), str(address))


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
