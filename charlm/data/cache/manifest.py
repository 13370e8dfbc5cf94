"""What was named when a corpus was prepared, and the files it stood for: one record a naming, beside the content.

Content is shared: a copy of a folder has the entry of the folder it was copied from, but files of its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlm.base.files.atomic import PRIVATE, whole_file
from charlm.data.reading.encode import FileDigest
from charlm.data.reading.sources import Source

RECORDS = "files-*.json"


@dataclass(frozen=True)
class Record:
    """A corpus as it was named, and its files as they were then.

    Attributes:
        name: the corpus's short name.
        paths: what was named; empty for what came through a pipe.
        files: what it stood for, in the order in which they were read.
    """

    name: str
    paths: tuple[str, ...]
    files: tuple[FileDigest, ...]


def record_path(folder: Path, paths: Sequence[str], pattern: str) -> Path:
    """Where the record of what was named so, with this ``--glob``, is in an entry's folder."""
    return folder / RECORDS.replace("*", sum_of(json_bytes([list(paths), pattern]))[:16])


def write_record(folder: Path, source: Source, pattern: str, files: Sequence[FileDigest]) -> None:
    """Put a record into an entry's folder, whole or not at all; OSError where the system refuses."""
    facts = [dataclasses.astuple(file) for file in files]
    with whole_file(record_path(folder, source.paths, pattern), PRIVATE) as file:
        file.write(sealed({"name": source.name, "paths": list(source.paths), "files": facts}))


def read_record(path: Path) -> Record | None:
    """The record at this path; None where there is none, or it was altered."""
    value = unsealed(path)
    if value is None:
        return None
    return Record(value["name"], tuple(value["paths"]), tuple(FileDigest(*facts) for facts in value["files"]))


def sealed(value: dict[str, Any]) -> bytes:
    """A JSON object with a sum of itself."""
    return json_bytes(value | {"sum": sum_of(json_bytes(value))})


def unsealed(path: Path) -> dict[str, Any] | None:
    """What was sealed; None where there is nothing, or it was altered."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        return value if value.pop("sum") == sum_of(json_bytes(value)) else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None


def json_bytes(value: Any) -> bytes:
    """JSON, the same for the same value."""
    return json.dumps(value, sort_keys=True).encode()


def sum_of(data: bytes) -> str:
    """The SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
