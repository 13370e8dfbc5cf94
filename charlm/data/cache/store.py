"""The cache of encoded corpora, a folder each.

header.json   settings, sizes and sums
alphabet      code points (uint32), then counts (int64), little-endian
files-*.json  manifests: the files of each corpus
codes         the ids
bigrams-*     bigram counts of a split
sides-*       labelled examples

A key is a hash of the settings and of every file's path, size, time and inode.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from charlm.base.arrays import TokenIds
from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, atomic_file, check_disk_space, new_file
from charlm.base.files.cache_dir import (
    PRIVATE_FOLDER,
    VARIABLE,
    cache_folder,
    make_cache_folder,
    warn_if_readable,
)
from charlm.base.files.lock import hold
from charlm.config import CorpusConfig
from charlm.data.alphabet import Alphabet
from charlm.data.cache.entry import (
    ALPHABET,
    CODES,
    FORMAT,
    HEADER,
    hash_bytes,
    hash_content,
    hash_name,
    manifest_path,
    read_manifest,
    remove_entry,
    seal,
    select_settings,
    unseal,
    write_manifest,
)
from charlm.data.encoded import EncodedCorpus
from charlm.data.reading.encode import FileDigest
from charlm.data.reading.sources import Source

ENTRIES, KEYS, LOCKS, UNFINISHED = "prepared", "keys", "locks", "unfinished"

YOUNG_SECONDS = 2.0
"""A younger file may be written to without a change of its time, so it gets no key."""

_POINT, _COUNT = np.dtype("<u4"), np.dtype("<i8")


@dataclass(frozen=True)
class ScannedCorpus:
    """The result of the first pass over a corpus."""

    source: Source
    config: CorpusConfig
    alphabet: Alphabet
    files: Sequence[FileDigest]

    @property
    def sha256(self) -> str:
        """The sha256 of the content."""
        return hash_content(self.files)

    def prepared(self, ids: TokenIds, folder: Path | None = None) -> EncodedCorpus:
        """The encoded corpus."""
        return EncodedCorpus(self.source, self.config, self.alphabet, ids, self.sha256, folder)


def find(key: str, source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """The corpus of a key; None if missing or altered."""
    try:
        name = (cache_folder() / KEYS / key).read_text("ascii")
    except (OSError, ValueError):
        return None
    # A key identifies files; the same files named by other arguments have another manifest.
    manifest = read_manifest(manifest_path(cache_folder() / ENTRIES / name, source.paths, config.glob))
    if manifest is None or [file.path for file in manifest.files] != [member.path for member in source.files]:
        return None
    return open_entry(name, source, config)


def open_entry(name: str, source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """An entry by name; None if missing or altered."""
    folder = cache_folder() / ENTRIES / name
    header = read_header(folder)
    if header is None or header["settings"] != select_settings(config):
        return None
    try:
        raw = (folder / ALPHABET).read_bytes()
        status = (folder / CODES).stat()
        points, counts = raw[: len(raw) // 12 * 4], raw[len(raw) // 12 * 4 :]
        alphabet = Alphabet(
            np.frombuffer(points, _POINT), np.frombuffer(counts, _COUNT), config.units, config.document_end
        )
        if [hash_bytes(raw), status.st_size, status.st_mtime_ns] != [header["alphabet"], *header["codes"]]:
            return None
        # As a plain array, which is faster to slice; the map lives as long as any view of it.
        ids = np.memmap(folder / CODES, alphabet.dtype, "r").view(np.ndarray)
        os.utime(folder / HEADER)  # the time of last use
    except (OSError, ValueError):
        return None
    return EncodedCorpus(source, config, alphabet, ids, header["sha256"], folder)


def read_header(folder: Path) -> dict[str, Any] | None:
    """An entry's header; None if missing or altered."""
    header = unseal(folder / HEADER)
    return header if header is not None and header.get("format") == FORMAT else None


def read_files(sha256: str, paths: Sequence[str], config: CorpusConfig) -> Sequence[FileDigest]:
    """The files of this content, if known."""
    manifest = read_manifest(
        manifest_path(cache_folder() / ENTRIES / hash_name(sha256, config), paths, config.glob)
    )
    return () if manifest is None else manifest.files


def add_naming(prepared: EncodedCorpus, files: Sequence[FileDigest]) -> None:
    """Add a manifest to an entry; CorpusError if that fails."""
    if prepared.folder is not None:
        with report_os_errors():
            write_manifest(prepared.folder, prepared.source, prepared.config.glob, files)


def store(key: str, facts: ScannedCorpus, ids: Iterable[TokenIds]) -> EncodedCorpus:
    """Write an entry, whole or not at all.

    Raises:
        CorpusError: the cache cannot be written, or the corpus read.
    """
    with report_os_errors():
        folder = make_cache_folder(ENTRIES) / hash_name(facts.sha256, facts.config)
        warn_if_readable()
        attempts = make_cache_folder(UNFINISHED)
        check_disk_space(attempts, int(facts.alphabet.counts_A.sum()) * facts.alphabet.dtype.itemsize)
        for left in attempts.glob(f"{key}*"):  # by a process that was killed
            remove_entry(left)
        unfinished, altered = (attempts / f"{key}-{secrets.token_hex(8)}" for _ in range(2))
        unfinished.mkdir(PRIVATE_FOLDER)
        try:
            _write(unfinished, facts, ids)
            if folder.exists():
                folder.rename(altered)
            unfinished.rename(folder)
        finally:
            for attempt in (unfinished, altered):
                with suppress(OSError):  # charlm corpus clean removes it
                    remove_entry(attempt)
    prepared = open_entry(folder.name, facts.source, facts.config)
    if prepared is None:
        raise CorpusError(f"another process changes the cache entry {folder}", hint="stop it, and try again")
    return prepared


def _write(folder: Path, facts: ScannedCorpus, ids: Iterable[TokenIds]) -> None:
    dtype = facts.alphabet.dtype
    with new_file(folder / CODES, PRIVATE) as file:
        for piece in ids:
            file.write(piece.astype(dtype, copy=False).data)
        file.flush()
        os.fsync(file.fileno())
    status = (folder / CODES).stat()
    raw = facts.alphabet.points_A.astype(_POINT).tobytes() + facts.alphabet.counts_A.astype(_COUNT).tobytes()
    header = {
        "format": FORMAT,
        "settings": select_settings(facts.config),
        "sha256": facts.sha256,
        "alphabet": hash_bytes(raw),
        "codes": [status.st_size, status.st_mtime_ns],
    }
    write_manifest(folder, facts.source, facts.config.glob, facts.files)
    for name, content in ((ALPHABET, raw), (HEADER, seal(header))):
        with new_file(folder / name, PRIVATE) as file:
            file.write(content)


def write_key(key: str, prepared: EncodedCorpus, stamps: Iterable[tuple[int, int, int]], when: float) -> None:
    """Point a key at an entry, unless a file is too young."""
    if prepared.folder is None or any(time_ns / 1e9 > when - YOUNG_SECONDS for _, time_ns, _ in stamps):
        return
    with report_os_errors(), atomic_file(make_cache_folder(KEYS) / key, PRIVATE) as file:
        file.write(prepared.folder.name.encode())


@contextmanager
def entry_lock(key: str) -> Iterator[None]:
    """Let one process at a time prepare a corpus."""
    with report_os_errors(), hold(make_cache_folder(LOCKS) / key, mode=PRIVATE):
        yield


@contextmanager
def report_os_errors() -> Iterator[None]:
    """Turn system errors of the cache into a CorpusError."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"the cache {cache_folder()} cannot be written: {error.strerror or error}",
            hint=f"make room there (charlm corpus clean), or name another folder by {VARIABLE}",
        ) from None
