"""A cache entry's folder, shared by corpora of equal content."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlm.base.files.atomic import PRIVATE, atomic_file, final_name
from charlm.config import CorpusConfig
from charlm.data.reading.encode import FileDigest
from charlm.data.reading.sources import Source

FORMAT = 1
HEADER, ALPHABET, CODES = "header.json", "alphabet", "codes"

# The three, manifests, and what is derived from the codes.
_OWN = re.compile(
    r"header\.json|alphabet|codes|files-[0-9a-f]{16}\.json|ends|shuffled-[0-9]+(-ends)?|bigrams-[0-9]+-[0-9]+(-[0-9]+)?"
    r"|sides-[0-9a-f]{16}(\.json|-[a-z0-9-]+)"
)


def list_own_files(folder: Path, own: re.Pattern[str] = _OWN) -> tuple[list[Path], list[Path]]:
    """A folder's own files, header last, and the others."""
    everything = sorted(folder.iterdir(), key=lambda path: (path.name == HEADER, path.name))
    ours = [path for path in everything if is_plain(path) and own.fullmatch(final_name(path.name) or path.name)]
    return ours, [path for path in everything if path not in ours]


def remove_entry(folder: Path, own: re.Pattern[str] = _OWN) -> None:
    """Remove charlm's files from a folder, and the folder if empty."""
    if not is_folder(folder):
        return
    ours, others = list_own_files(folder, own)
    for path in ours:
        path.unlink(missing_ok=True)
    if not others:
        folder.rmdir()


def is_plain(path: Path) -> bool:
    """Whether this is a plain file, not a link."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether this is a folder, not a link."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0


MANIFESTS = "files-*.json"


@dataclass(frozen=True)
class Manifest:
    """A corpus that has an entry's content; ``paths`` is empty for a pipe."""

    name: str
    paths: tuple[str, ...]
    files: tuple[FileDigest, ...]


def manifest_path(folder: Path, paths: Sequence[str], pattern: str) -> Path:
    """The path of the manifest for these arguments."""
    return folder / MANIFESTS.replace("*", hash_bytes(json_bytes([list(paths), pattern]))[:16])


def write_manifest(folder: Path, source: Source, pattern: str, files: Sequence[FileDigest]) -> None:
    """Write a manifest atomically."""
    facts = [dataclasses.astuple(file) for file in files]
    with atomic_file(manifest_path(folder, source.paths, pattern), PRIVATE) as file:
        file.write(seal({"name": source.name, "paths": list(source.paths), "files": facts}))


def read_manifest(path: Path) -> Manifest | None:
    """A manifest; None if missing or altered."""
    value = unseal(path)
    if value is None:
        return None
    return Manifest(value["name"], tuple(value["paths"]), tuple(FileDigest(*facts) for facts in value["files"]))


def seal(value: dict[str, Any]) -> bytes:
    """A JSON object with its own sha256."""
    return json_bytes(value | {"sum": hash_bytes(json_bytes(value))})


def unseal(path: Path) -> dict[str, Any] | None:
    """A sealed JSON object; None if missing or altered."""
    try:
        value: dict[str, Any] = json.loads(path.read_bytes())
        return value if value.pop("sum") == hash_bytes(json_bytes(value)) else None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return None


def json_bytes(value: Any) -> bytes:
    """Canonical JSON."""
    return json.dumps(value, sort_keys=True).encode()


def hash_bytes(data: bytes) -> str:
    """The sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def hash_content(files: Sequence[FileDigest]) -> str:
    """The sha256 of a corpus, or of its files' sums in reading order."""
    if len(files) == 1:
        return files[0].sha256
    return hash_bytes("".join(f"{file.sha256}\n" for file in files).encode())


def hash_key(source: Source, stamps: Iterable[tuple[int, int, int]], config: CorpusConfig) -> str:
    """The key of a corpus that need not be read."""
    digest = hashlib.sha256(json.dumps([FORMAT, select_settings(config)]).encode())
    for member, stamp in zip(source.files, stamps, strict=True):
        digest.update(json.dumps([member.path, *stamp]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def select_settings(config: CorpusConfig) -> dict[str, Any]:
    """The settings that determine an entry's content."""
    return {
        "units": config.units,
        "normalize": config.normalize,
        "lowercase": config.lowercase,
        "document_end": config.document_end,
        "lines": config.lines,
    }


def hash_name(sha256: str, config: CorpusConfig) -> str:
    """The name of an entry."""
    return _name(sha256, select_settings(config))


def _name(sha256: Any, settings: dict[str, Any]) -> str:
    return hash_bytes(json.dumps([FORMAT, sha256, settings]).encode())[:32]


def has_own_name(folder: Path, header: dict[str, Any]) -> bool:
    """Whether a folder has the name that follows from its header."""
    settings = header.get("settings")
    names = select_settings(CorpusConfig())
    if not isinstance(settings, dict) or set(settings) != set(names):
        return False
    return folder.name == _name(header.get("sha256"), {name: settings[name] for name in names})
