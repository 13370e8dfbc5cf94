"""Cache maintenance: listing and verifying the entries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charlm.base.errors import CorpusError
from charlm.base.files.cache_dir import cache_folder
from charlm.base.progress import Progress
from charlm.config import CorpusConfig
from charlm.data.cache.entry import CODES, HEADER, MANIFESTS, read_manifest
from charlm.data.cache.store import ENTRIES, open_entry, read_header
from charlm.data.reading.encode import FileDigest, HashingReader
from charlm.data.reading.files import TextFile
from charlm.data.reading.sources import Source


@dataclass(frozen=True)
class Entry:
    """A corpus in the cache; ``used`` is in seconds since 1970."""

    folder: Path
    name: str | None
    paths: tuple[str, ...]
    settings: dict[str, Any]
    bytes_on_disk: int
    files: tuple[FileDigest, ...]
    used: float


def entries() -> list[Entry]:
    """The entries, last used first."""
    found = [entry for folder in (cache_folder() / ENTRIES).glob("*/") for entry in _entries(folder)]
    return sorted(found, key=lambda entry: (-entry.used, entry.folder, entry.paths))


def verify(entry: Entry, progress: Progress | None = None) -> list[str]:
    """Read an entry's files again, and list differences."""
    if entry.name is None:
        return [f"{entry.folder} was altered: it will be prepared again"]
    problems = [] if _counts_agree(entry) else [f"{entry.folder / CODES} was altered: charlm corpus clean"]
    done, total = 0, sum(file.bytes for file in entry.files)
    for file in entry.files:
        if file.path is None:
            continue
        if not Path(file.path).exists():
            problems.append(f"{file.path!r} is gone: put it back, or charlm corpus clean forgets it")
            continue
        try:
            content = HashingReader(TextFile(repr(file.path), file.path, may_expand=True).blocks())
            for block in content:
                done += len(block)
                if progress is not None:
                    progress(done, total)
            now = content.digest(file.path).sha256
            if now != file.sha256:
                problems.append(f"{file.path!r} has changed: sha256 {file.sha256[:12]} then, {now[:12]} now")
        except CorpusError as error:
            problems.append(str(error))
    return problems


def _entries(folder: Path) -> list[Entry]:
    """One for each valid manifest, or one without a name."""
    header = read_header(folder)
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    used = (folder / HEADER if (folder / HEADER).exists() else folder).stat().st_mtime
    manifests = [manifest for path in folder.glob(MANIFESTS) if (manifest := read_manifest(path)) is not None]
    if header is None or not manifests:
        return [Entry(folder, None, (), {}, size, (), used)]
    return [
        Entry(folder, manifest.name, manifest.paths, header["settings"], size, manifest.files, used)
        for manifest in manifests
    ]


def _counts_agree(entry: Entry) -> bool:
    """Whether ids and counts agree."""
    units, document_end, lines = (entry.settings[name] for name in ("units", "document_end", "lines"))
    config = CorpusConfig(
        bytes=units == "bytes",
        normalize=entry.settings["normalize"],
        lowercase=entry.settings["lowercase"],
        lines=lines,
        delimiter=None if lines else document_end,
    )
    prepared = open_entry(entry.folder.name, Source("", "stdin", (), ()), config)
    if prepared is None or int(prepared.ids.max()) >= len(prepared.alphabet):
        return False
    return np.array_equal(prepared.alphabet.count(prepared.ids), prepared.alphabet.counts_A)
