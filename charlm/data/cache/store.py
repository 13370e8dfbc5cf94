"""The cache of prepared corpora: one folder an entry, which is there whole or not at all.

header.json   what the entry is, the sizes and sums of the other files, and a sum of itself
alphabet      the symbols' code points (uint32), then their counts (int64), little-endian
files-*.json  the files with their sums: one record for each naming of a corpus that has this content
codes         the corpus in codes of the alphabet; maps that are made from it may stand beside it
bigrams-*     how often each symbol of a part came after each, with a sum of itself (see ``ngram.bigrams``)

An entry is named by its content and its settings. What a user names is found by a key: a sum of the path, size,
time and number of every file, and of the settings. Keys and entries can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
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
    HEADER,
    hash_bytes,
    manifest_path,
    read_manifest,
    remove_entry,
    seal,
    unseal,
    write_manifest,
)
from charlm.data.encoded import EncodedCorpus
from charlm.data.reading.encode import FileDigest
from charlm.data.reading.sources import Source

FORMAT = 1
ENTRIES, KEYS, LOCKS, UNFINISHED = "prepared", "keys", "locks", "unfinished"

YOUNG_SECONDS = 2.0
"""A file this young may still be written to without its time changing, so no key tells what is in it."""

_POINT, _COUNT = np.dtype("<u4"), np.dtype("<i8")


@dataclass(frozen=True)
class ScannedCorpus:
    """What is known of a corpus before it is encoded, and what its entry is named by."""

    source: Source
    config: CorpusConfig
    alphabet: Alphabet
    files: Sequence[FileDigest]

    @property
    def sha256(self) -> str:
        """Of the content; see ``hash_content``."""
        return hash_content(self.files)

    def prepared(self, ids: TokenIds, folder: Path | None = None) -> EncodedCorpus:
        """The corpus, now that it is encoded."""
        return EncodedCorpus(self.source, self.config, self.alphabet, ids, self.sha256, folder)


def hash_content(files: Sequence[FileDigest]) -> str:
    """The sum of a corpus; of several files, of their sums in the order in which they were read."""
    if len(files) == 1:
        return files[0].sha256
    return hash_bytes("".join(f"{file.sha256}\n" for file in files).encode())


def hash_key(source: Source, stamps: Iterable[tuple[int, int, int]], config: CorpusConfig) -> str:
    """The sum by which a corpus is found again without being read."""
    digest = hashlib.sha256(json.dumps([FORMAT, select_settings(config)]).encode())
    for member, stamp in zip(source.files, stamps, strict=True):
        digest.update(json.dumps([member.path, *stamp]).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:32]


def select_settings(config: CorpusConfig) -> dict[str, Any]:
    """The settings that an entry depends on."""
    return {
        "units": config.units,
        "normalize": config.normalize,
        "lowercase": config.lowercase,
        "document_end": config.document_end,
        "lines": config.lines,
    }


def hash_name(sha256: str, config: CorpusConfig) -> str:
    """The name of the entry of this content under these settings."""
    return _name(sha256, select_settings(config))


def _name(sha256: Any, settings: dict[str, Any]) -> str:
    return hash_bytes(json.dumps([FORMAT, sha256, settings]).encode())[:32]


def find(key: str, source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """The corpus that a key stands for; None where it is not in the cache, or is there no longer as it was."""
    try:
        name = (cache_folder() / KEYS / key).read_text("ascii")
    except (OSError, ValueError):
        return None
    # A key is of the files; who names them differently, or was the last to rename them, has another record.
    record = read_manifest(manifest_path(cache_folder() / ENTRIES / name, source.paths, config.glob))
    if record is None or [file.path for file in record.files] != [member.path for member in source.files]:
        return None
    return open_entry(name, source, config)


def open_entry(name: str, source: Source, config: CorpusConfig) -> EncodedCorpus | None:
    """An entry of the cache; None where there is none of this name, or anything in it was altered."""
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
        # As a plain array: a slice of a memmap costs more, and the map lives as long as any view of it.
        ids = np.memmap(folder / CODES, alphabet.dtype, "r").view(np.ndarray)
        os.utime(folder / HEADER)  # tells which entries are in use
    except (OSError, ValueError):
        return None
    return EncodedCorpus(source, config, alphabet, ids, header["sha256"], folder)


def read_header(folder: Path) -> dict[str, Any] | None:
    """What an entry says of itself; None where it was altered, or is none."""
    header = unseal(folder / HEADER)
    return header if header is not None and header.get("format") == FORMAT else None


def has_own_name(folder: Path, header: dict[str, Any]) -> bool:
    """Whether an entry's folder is named as what its header says would be: nobody else's is."""
    settings = header.get("settings")
    names = select_settings(CorpusConfig())
    if not isinstance(settings, dict) or set(settings) != set(names):
        return False
    return folder.name == _name(header.get("sha256"), {name: settings[name] for name in names})


def read_files(sha256: str, paths: Sequence[str], config: CorpusConfig) -> Sequence[FileDigest]:
    """The files of what was named when it had this content; none where the cache does not know."""
    record = read_manifest(
        manifest_path(cache_folder() / ENTRIES / hash_name(sha256, config), paths, config.glob)
    )
    return () if record is None else record.files


def add_naming(prepared: EncodedCorpus, files: Sequence[FileDigest]) -> None:
    """Note in an entry that is there already what was named now, and which files it stood for.

    Raises:
        CorpusError: the cache cannot be written to.
    """
    if prepared.folder is not None:
        with report_os_errors():
            write_manifest(prepared.folder, prepared.source, prepared.config.glob, files)


def store(key: str, facts: ScannedCorpus, ids: Iterable[TokenIds]) -> EncodedCorpus:
    """Write an entry, in place of one that was altered; nothing of it stays where that fails.

    Raises:
        CorpusError: the disk is full or refuses, or the corpus cannot be read a second time.
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
        raise CorpusError(
            f"the cache entry {folder} is altered while it is made", hint="see who else writes there"
        )
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
    """Let a key stand for an entry, unless a file was so young at that time that it may change unseen."""
    if prepared.folder is None or any(time_ns / 1e9 > when - YOUNG_SECONDS for _, time_ns, _ in stamps):
        return
    with report_os_errors(), atomic_file(make_cache_folder(KEYS) / key, PRIVATE) as file:
        file.write(prepared.folder.name.encode())


@contextmanager
def entry_lock(key: str) -> Iterator[None]:
    """One process at a time prepares the corpus of a key.

    Raises:
        CorpusError: the cache cannot be written to.
    """
    with report_os_errors(), hold(make_cache_folder(LOCKS) / key, mode=PRIVATE):
        yield


@contextmanager
def report_os_errors() -> Iterator[None]:
    """Tell in one line what the system refuses about the cache."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"the cache {cache_folder()} cannot be written: {error.strerror or error}",
            hint=f"make room there (charlm corpus clean), or name another folder by {VARIABLE}",
        ) from None
