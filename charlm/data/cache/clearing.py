"""Clearing the cache of files known by name and content.

Links are not followed, and nothing is removed from a folder without charlm's mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from charlm.base.errors import CorpusError
from charlm.base.files.atomic import PRIVATE, final_name
from charlm.base.files.cache_dir import MARK, cache_folder, default_cache_folder, is_marked_cache, mark_cache
from charlm.base.files.lock import hold
from charlm.data.cache.entry import (
    HEADER,
    MANIFESTS,
    has_own_name,
    is_folder,
    is_plain,
    list_own_files,
    read_manifest,
)
from charlm.data.cache.store import ENTRIES, KEYS, LOCKS, UNFINISHED, read_header, report_os_errors
from charlm.data.catalog.catalog import DOWNLOADS, read_catalog
from charlm.data.catalog.download import LOCK, PARTS, is_intact, match_part_names

_KEY = re.compile("[0-9a-f]{32}")
_ATTEMPT = re.compile("([0-9a-f]{32})(-[0-9a-f]{16})?")
_LONGEST = 64  # bytes of a key or a lock


@dataclass(frozen=True)
class Cleared:
    """The bytes removed, pipes' texts kept, and what is not charlm's."""

    bytes: int
    kept: tuple[Path, ...]
    left: tuple[Path, ...]


@dataclass(frozen=True)
class _Holding:
    """A file or folder in the cache."""

    path: Path
    own: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    is_piped: bool = False
    lock: Path | None = None


def clean(piped: bool = False, downloads: bool = False) -> Cleared:
    """Remove all entries that no process is writing.

    Raises:
        CorpusError: the folder is not charlm's, or a file cannot be removed.
    """
    root, freed = cache_folder(), 0
    kept: list[Path] = []
    left: list[Path] = []
    with report_os_errors():
        if not root.is_dir():
            return Cleared(0, (), ())
        if not is_marked_cache(root):
            _take_over(root)
        for holding in _holdings(root, downloads):
            if holding.is_piped and not piped:
                kept.append(holding.path)
            else:
                freed += _remove(holding)
            left += holding.others
    return Cleared(freed, tuple(kept), tuple(left))


def _take_over(root: Path) -> None:
    """Mark an earlier version's folder; CorpusError if others may use it."""
    if not any(root.iterdir()):
        return
    others = [path for holding in _holdings(root, downloads=True) for path in holding.others]
    if others or root.resolve() != default_cache_folder().resolve():
        found = f"; {others[0]}, for one, is not charlm's" if others else ""
        raise CorpusError(
            f"nothing is removed from {root}: it has no {MARK} of charlm's, so others may use it{found}",
            hint="remove by hand what is not needed",
        )
    mark_cache(root)


def _remove(holding: _Holding) -> int:
    """Remove charlm's files, unless in use."""
    freed = 0
    with ExitStack() as stack, suppress(BlockingIOError):
        if holding.lock is not None:
            stack.enter_context(hold(holding.lock, wait=False, mode=PRIVATE))
        for path in holding.own:
            freed += path.lstat().st_size
            path.unlink()
        if is_folder(holding.path) and not holding.others:
            holding.path.rmdir()
    return freed


def _holdings(root: Path, downloads: bool) -> Iterator[_Holding]:
    """Everything in the cache."""
    # Attempts come before the locks that guard them.
    rooms: dict[str, Callable[[Path], _Holding]] = {
        ENTRIES: _entry, KEYS: _key, UNFINISHED: _attempt, LOCKS: _lock, DOWNLOADS: _download
    }  # fmt: skip
    for name, holding_of in rooms.items():
        if is_folder(root / name) and (downloads or name != DOWNLOADS):
            yield from map(holding_of, sorted((root / name).iterdir()))
    for path in sorted(root.iterdir()):
        is_mark = MARK in (path.name, final_name(path.name)) and is_plain(path)
        if not is_mark and not (path.name in rooms and is_folder(path)):
            yield _foreign(path)


def _entry(path: Path) -> _Holding:
    header = read_header(path) if is_folder(path) and is_plain(path / HEADER) else None
    if header is None or not has_own_name(path, header):
        return _foreign(path)
    own, others = list_own_files(path)
    manifests = [
        manifest for each in own if each.match(MANIFESTS) and (manifest := read_manifest(each)) is not None
    ]
    if not manifests:
        return _foreign(path)
    return _Holding(path, tuple(own), tuple(others), any(not manifest.paths for manifest in manifests))


def _key(path: Path) -> _Holding:
    is_own = _KEY.fullmatch(final_name(path.name) or path.name) and re.fullmatch(b"[0-9a-f]{0,32}", _start(path))
    return _Holding(path, (path,)) if is_plain(path) and is_own else _foreign(path)


def _attempt(path: Path) -> _Holding:
    match, locks = _ATTEMPT.fullmatch(path.name), path.parents[1] / LOCKS
    if match is None or not is_folder(path) or not is_folder(locks):
        return _foreign(path)
    own, others = list_own_files(path)
    return _Holding(path, tuple(own), tuple(others), lock=locks / match[1])


def _lock(path: Path) -> _Holding:
    is_own = _KEY.fullmatch(path.name) and re.fullmatch(rb"[0-9]*\n?", _start(path))
    return _Holding(path, (path,), lock=path) if is_plain(path) and is_own else _foreign(path)


def _download(path: Path) -> _Holding:
    whole = final_name(path.name)
    corpus = read_catalog().get(Path(whole or path.name).stem)
    if corpus is None or corpus.bring:
        return _foreign(path)
    lock = corpus.path.with_suffix(LOCK)
    if path.suffix == LOCK and is_plain(path):
        return _Holding(path)  # a removed lock would not exclude other processes
    if path.suffix == PARTS and is_folder(path):
        own, others = list_own_files(path, match_part_names(corpus))
        return _Holding(path, tuple(own), tuple(others), lock=lock)
    if corpus.sums and path == corpus.path and is_intact(corpus):
        own, others = list_own_files(path, match_part_names(corpus))
        return _Holding(path, tuple(own), tuple(others), lock=lock)
    if is_plain(path) and (whole == corpus.path.name or (path == corpus.path and is_intact(corpus))):
        return _Holding(path, (path,), lock=lock)
    return _foreign(path)


def _foreign(path: Path) -> _Holding:
    return _Holding(path, others=(path,))


def _start(path: Path) -> bytes:
    """A plain file's first bytes."""
    if not is_plain(path):
        return b""
    with path.open("rb") as file:
        return file.read(_LONGEST)
