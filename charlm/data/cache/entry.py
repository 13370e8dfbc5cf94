"""The files of a cache entry's folder: their names, manifests, sealed JSON, and removal.

An entry is shared by all corpora of the same content: a copy of a folder uses the entry of the original, with a
manifest of its own.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlm.base.files.atomic import PRIVATE, atomic_file, final_name
from charlm.data.reading.encode import FileDigest
from charlm.data.reading.sources import Source

HEADER, ALPHABET, CODES = "header.json", "alphabet", "codes"

# The three, the records of what was named, and what is laid out or counted anew from the codes.
_OWN = re.compile(
    r"header\.json|alphabet|codes|files-[0-9a-f]{16}\.json|ends|shuffled-[0-9]+(-ends)?|bigrams-[0-9]+-[0-9]+(-[0-9]+)?"
)


def list_own_files(folder: Path, own: re.Pattern[str] = _OWN) -> tuple[list[Path], list[Path]]:
    """What a folder holds: plain files with names of charlm's, the header last, and everything else."""
    everything = sorted(folder.iterdir(), key=lambda path: (path.name == HEADER, path.name))
    ours = [path for path in everything if is_plain(path) and own.fullmatch(final_name(path.name) or path.name)]
    return ours, [path for path in everything if path not in ours]


def remove_entry(folder: Path, own: re.Pattern[str] = _OWN) -> None:
    """Remove an entry, finished or not, if it is there; the folder stays where something else lies in it.

    Args:
        folder: where it is.
        own: which names are charlm's; left out, those of an entry's files.

    Raises:
        OSError: the system refuses.
    """
    if not is_folder(folder):
        return
    ours, others = list_own_files(folder, own)
    for path in ours:
        path.unlink(missing_ok=True)
    if not others:
        folder.rmdir()


def is_plain(path: Path) -> bool:
    """Whether there is a file here: no link to one, no pipe, no device."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether there is a folder here, and no link to one."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


MANIFESTS = "files-*.json"


@dataclass(frozen=True)
class Manifest:
    """A corpus as it was named, and its files as they were then.

    Attributes:
        name: the corpus's short name.
        paths: what was named; empty for what came through a pipe.
        files: what it stood for, in the order in which they were read.
    """

    name: str
    paths: tuple[str, ...]
    files: tuple[FileDigest, ...]


def manifest_path(folder: Path, paths: Sequence[str], pattern: str) -> Path:
    """Where the record of what was named so, with this ``--glob``, is in an entry's folder."""
    return folder / MANIFESTS.replace("*", hash_bytes(json_bytes([list(paths), pattern]))[:16])


def write_manifest(folder: Path, source: Source, pattern: str, files: Sequence[FileDigest]) -> None:
    """Put a record into an entry's folder, whole or not at all; OSError where the system refuses."""
    facts = [dataclasses.astuple(file) for file in files]
    with atomic_file(manifest_path(folder, source.paths, pattern), PRIVATE) as file:
        file.write(seal({"name": source.name, "paths": list(source.paths), "files": facts}))


def read_manifest(path: Path) -> Manifest | None:
    """The record at this path; None where there is none, or it was altered."""
    value = unseal(path)
    if value is None:
        return None
    return Manifest(value["name"], tuple(value["paths"]), tuple(FileDigest(*facts) for facts in value["files"]))


def seal(value: dict[str, Any]) -> bytes:
    """A JSON object with a sum of itself."""
    return json_bytes(value | {"sum": hash_bytes(json_bytes(value))})


def unseal(path: Path) -> dict[str, Any] | None:
    """What was sealed; None where there is nothing, or it was altered."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        return value if value.pop("sum") == hash_bytes(json_bytes(value)) else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None


def json_bytes(value: Any) -> bytes:
    """JSON, the same for the same value."""
    return json.dumps(value, sort_keys=True).encode()


def hash_bytes(data: bytes) -> str:
    """The SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
