"""Downloading corpora with pooch, retried and verified."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, atomic_file, check_disk_space
from charlm.base.files.cache_dir import PRIVATE_FOLDER, cache_folder, is_marked_cache, make_cache_folder
from charlm.base.files.lock import hold
from charlm.base.progress import Progress
from charlm.data.cache.entry import list_own_files, remove_entry
from charlm.data.catalog.catalog import DOWNLOADS, CatalogCorpus, RemoteFile, manual_download_error
from charlm.data.catalog.class_folder import RemoteFolder, holds

OFFLINE = "CHARLM_OFFLINE"
RETRIES = 2  # after the first attempt
TIMEOUT = 30  # seconds without a byte
BLOCK = 1 << 16
LOCK, PARTS, ARCHIVE = ".lock", ".parts", "archive.zip"
ARCHIVED = 1 << 16
"""Bytes by which an archive may exceed its text."""


def download_corpus(corpus: CatalogCorpus, progress: Progress | None = None) -> Path:
    """The path of a corpus, downloaded unless it is intact.

    Raises:
        CorpusError: the download fails, is forbidden, or has the wrong hash.
    """
    if corpus.bring:
        raise manual_download_error(corpus)
    try:
        if is_intact(corpus):
            return corpus.path
        if os.environ.get(OFFLINE, "") not in ("", "0"):
            raise CorpusError(
                f"{corpus.name} is not downloaded, and {OFFLINE} forbids downloads", hint="unset it"
            )
        parts = make_cache_folder(DOWNLOADS) / f"{corpus.name}{PARTS}"
        with hold(corpus.path.with_suffix(LOCK), mode=PRIVATE):
            if not is_intact(corpus):  # another process may have fetched it while this one waited
                _check_replaceable(corpus)
                check_disk_space(parts.parent, 2 * (corpus.bytes or 0))
                parts.mkdir(PRIVATE_FOLDER, exist_ok=True)
                if corpus.archive is not None:
                    _fetch_folder(corpus, corpus.archive, parts, progress)
                else:
                    paths = [_fetch_file(corpus, file, parts, progress) for file in corpus.files]
                    if corpus.parts:
                        _publish_parts(corpus, paths, parts)
                    else:
                        _publish(corpus, paths)
            remove_entry(parts, match_part_names(corpus))
    except OSError as error:
        raise CorpusError(
            f"{corpus.path} cannot be written: {error.strerror or error}", hint="see to the disk"
        ) from None
    return corpus.path


def is_intact(corpus: CatalogCorpus) -> bool:
    """Whether a corpus's text or folder is here and has its hashes."""
    if corpus.sums:
        return holds(corpus.path, corpus.sums)
    return corpus.is_downloaded and _has_hash(corpus.path, corpus.hash)


def _check_replaceable(corpus: CatalogCorpus) -> None:
    """Raise CorpusError if another program's file is in the way."""
    if os.path.lexists(corpus.path) and not is_marked_cache(cache_folder()):
        raise CorpusError(f"{corpus.path} exists, and is not {corpus.name}", hint="move it to another folder")


def match_part_names(corpus: CatalogCorpus) -> re.Pattern[str]:
    """The names of a download's parts and temporary files."""
    names = [ARCHIVE, *map(_hash_value, corpus.files), *map(re.escape, corpus.sums)]
    return re.compile("|".join([*names, r"tmp\w{8}"]))


def _fetch_folder(corpus: CatalogCorpus, archive: RemoteFolder, parts: Path, progress: Progress | None) -> None:
    """The folder of an archive, whole or not at all."""
    path = _fetch(corpus, RemoteFile(archive.address, ""), parts / ARCHIVE, archive.most, progress)
    try:
        for place in list_own_files(parts, _match_names(archive.files))[0]:  # by a process that was killed
            place.unlink()
        archive.unpack(path, corpus.bytes or 0, parts)
    finally:
        path.unlink()
    _publish_folder(corpus, parts)


def _publish_parts(corpus: CatalogCorpus, paths: list[Path], parts: Path) -> None:
    """The folder of a corpus that is published in splits."""
    for path, file in zip(paths, corpus.files, strict=True):
        path.replace(parts / file.name)
    _publish_folder(corpus, parts)


def _publish_folder(corpus: CatalogCorpus, parts: Path) -> None:
    """Put a folder in its place, if it has exactly the corpus's files."""
    remove_entry(corpus.path, _match_names(corpus.sums))
    for place in list_own_files(parts, match_part_names(corpus))[0]:
        if place.name not in corpus.sums:  # of a download that was killed
            place.unlink()
    if os.path.lexists(corpus.path) or not holds(parts, corpus.sums):
        raise CorpusError(f"{corpus.path} or {parts} has other files", hint="move them to another folder")
    parts.rename(corpus.path)


def _match_names(names: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, names)))


def _fetch_file(corpus: CatalogCorpus, file: RemoteFile, folder: Path, progress: Progress | None) -> Path:
    """One file, downloaded unless it is there."""
    most = (corpus.bytes or 0) + (ARCHIVED if file.member else 0)
    return _fetch(corpus, file, folder / _hash_value(file), most, progress)


def _fetch(corpus: CatalogCorpus, file: RemoteFile, place: Path, most: int, progress: Progress | None) -> Path:
    """Download a file of at most ``most`` bytes to ``place``, unless it is there; its hash may be unknown."""
    import pooch  # with requests below it, it takes a fifth of a second
    from requests import RequestException

    pooch.get_logger().setLevel("ERROR")
    name = place.name
    fetcher = pooch.create(
        place.parent,
        base_url="",
        registry={name: file.hash or None},
        urls={name: file.address},
        retry_if_failed=RETRIES,
    )
    try:
        return Path(fetcher.fetch(name, downloader=partial(_transfer, progress, most)))
    except _TooLong:
        raise CorpusError(
            f"{corpus.name}: the download from {file.address} is longer than the expected {most:,} bytes, "
            "and is not kept",
            hint=f"see {corpus.address}",
        ) from None
    except RequestException as error:
        raise CorpusError(
            f"{corpus.name} cannot be downloaded from {file.address} ({_find_reason(error)})",
            hint="try again later",
        ) from None
    except ValueError:
        raise CorpusError(
            f"{corpus.name}: the download from {file.address} does not have the hash {file.hash}, "
            "and is not kept",
            hint=f"try again later, or see {corpus.address}",
        ) from None


def _find_reason(error: Exception) -> str:
    """Why the network failed, from nested errors."""
    from requests import ConnectionError, HTTPError, Timeout

    text = str(error)
    match error:
        case HTTPError() if error.response is not None:
            return f"the server answers {error.response.status_code}"
        case _ if isinstance(error, Timeout) or "timed out" in text:
            return "it timed out"
        case _ if "NameResolutionError" in text or "Failed to resolve" in text:
            return "the server's name is not resolved: is there a network?"
        case _ if "Connection refused" in text or "actively refused" in text:
            return "the connection is refused"
        case ConnectionError():
            return "the connection fails"
    return "the transfer breaks off"


class _TooLong(Exception):
    """A server sends too much."""


def _transfer(progress: Progress | None, most: int, address: str, path: str, _: Any) -> None:
    """Download one file for pooch, and close failed connections."""
    import requests

    with requests.get(address, stream=True, timeout=TIMEOUT) as response, Path(path).open("wb") as out:
        response.raise_for_status()
        total, done = int(response.headers.get("Content-Length", 0)), 0
        for block in response.iter_content(BLOCK):
            done += len(block)
            if done > most:
                raise _TooLong
            out.write(block)
            if progress is not None:
                progress(min(done, total), total)  # compressed transfers exceed the announced length


def _publish(corpus: CatalogCorpus, paths: list[Path]) -> None:
    """Join and store the files' texts if the hash is right."""
    with atomic_file(corpus.path, PRIVATE) as out:
        for number, (path, file) in enumerate(zip(paths, corpus.files, strict=True)):
            out.write(b"\n" if number else b"")
            with _open_text(path, file) as text:
                while out.tell() <= (corpus.bytes or 0) and (block := text.read(BLOCK)):
                    out.write(block)
        out.flush()
        if not _has_hash(Path(out.name), corpus.hash):
            raise CorpusError(f"{corpus.name}: its text does not have the hash {corpus.hash}, and is not kept")


@contextmanager
def _open_text(path: Path, file: RemoteFile) -> Iterator[IO[bytes]]:
    """The text of a file or an archive's member."""
    if file.member:
        with zipfile.ZipFile(path) as archive, archive.open(file.member) as text:
            yield text
    else:
        with path.open("rb") as text:
            yield text


def _hash_value(file: RemoteFile) -> str:
    """A file's hash without the algorithm."""
    return file.hash.rpartition(":")[2]


def _has_hash(path: Path, known: str | None) -> bool:
    import pooch

    return known is not None and pooch.hashes.hash_matches(path, known)
