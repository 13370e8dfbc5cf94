"""Folders and ``glob`` patterns to files, in a fixed order; no folder is entered twice."""

from __future__ import annotations

import fnmatch
import glob
import math
import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePath
from typing import TypeAlias

from charlm.base.errors import MissingCorpusError
from charlm.base.suggest import closest
from charlm.data.catalog.builtin import BUILTIN_NAMES
from charlm.data.catalog.catalog import read_catalog
from charlm.data.reading.files import TextFile, refusal

Files: TypeAlias = tuple[list[TextFile], list[str]]
"""Files, and those left out although their names match, each with the reason."""

MOST_LOOKED_AT = 10_000  # files of a folder, for a hint
MOST_SHOWN = 3
GIVE = f"give a text file, or a built-in corpus ({', '.join(BUILTIN_NAMES)})"


def match_files(named: str, pattern: str, most_folders: float = math.inf) -> Files:
    """The files of an argument, each once.

    Raises:
        CorpusError: there are none, or more than ``most_folders`` folders would be read.
    """
    try:
        mode = Path(named).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        is_pattern = glob.has_magic(named)
        found = _matches(named, None, most_folders) if is_pattern else ([], [])
        if not found[0]:
            lack = f"the pattern {named!r} fits no file" if is_pattern else f"there is no file {named!r}"
            meant = closest(named, text_names(named))
            raise MissingCorpusError(lack, hint=GIVE if meant is None else f"did you mean {meant}?") from None
        return found
    except (OSError, ValueError) as error:
        raise refusal(repr(named), error) from None
    if not stat.S_ISDIR(mode):
        return [_member(named, {})], []
    found = _matches(pattern, named, most_folders)
    if not found[0]:
        raise MissingCorpusError(f"{named!r} has no file that --glob {pattern!r} fits", hint=_hint(named))
    return found


def text_names(near: str) -> list[str]:
    """What a name of a text may be: corpora, and the files next to a path."""
    return [*BUILTIN_NAMES, *read_catalog(), *file_names(near)]


def file_names(near: str) -> list[str]:
    """The files and folders in the folder of a path, sorted, without hidden ones."""
    folder = Path(near).parent
    try:
        names = [each.name for each in islice(folder.iterdir(), MOST_LOOKED_AT)]
    except (OSError, ValueError):
        names = []
    return [str(folder / name) for name in sorted(names) if not name.startswith(".")]


def _matches(pattern: str, folder: str | None, most_folders: float) -> Files:
    """The files that match a pattern, sorted."""
    walk = Walk(pattern, folder, most_folders)
    paths = sorted(set(walk.files()), key=lambda path: PurePath(path).parts)
    files, repeated = _once(str(Path(folder or "", path)) for path in paths)
    return files, walk.left_out + repeated


def _once(paths: Iterable[str]) -> Files:
    """Each file under the first of its names."""
    first: dict[Identity, str] = {}
    folders: dict[Path, Path] = {}
    files, repeated = [], []
    for path in paths:
        identity = identify(path)
        if identity is not None and first.setdefault(identity, path) != path:
            repeated.append(f"{path!r} (the same file as {first[identity]!r})")
        else:
            files.append(_member(path, folders))
    return files, repeated


def _member(path: str, folders: dict[Path, Path]) -> TextFile:
    """A file by its given name; ``folders`` caches resolved paths."""
    given = Path(path)
    folder = folders.get(given.parent) or folders.setdefault(given.parent, given.parent.resolve())
    return TextFile(repr(path), str(folder / given.name))


def files_in(folder: str) -> list[str]:
    """The files below a folder but for hidden ones, the first 10,000, as ``TextFile`` names them; else none."""
    if not stat.S_ISDIR(read_mode(folder)):
        return []
    files, _ = _once(str(Path(folder, path)) for path in islice(Walk("**/*", folder).files(), MOST_LOOKED_AT))
    return sorted(member.path for member in files if member.path is not None)


def _hint(folder: str) -> str:
    """A hint: the most common suffixes in a folder."""
    endings = Counter(PurePath(path).suffix for path in islice(Walk("**/*", folder).files(), MOST_LOOKED_AT))
    common = [(ending, count) for ending, count in endings.most_common(MOST_SHOWN) if ending]
    if not common:
        return "name its files, or give another folder"
    shown = ", ".join(f"{ending} ({count:,})" for ending, count in common)
    return f"it has {shown}, so choose, such as --glob '**/*{common[0][0]}'"


Identity: TypeAlias = tuple[int, int]
"""Device and inode, which all names of a file or a folder share."""


def identify(path: str) -> Identity | None:
    """The identity of a file or a folder, or None."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None


def read_mode(path: str) -> int:
    """The mode bits of a path; 0 if it is missing."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


class Walk:
    """Finds files that match a pattern; real folders are entered before links."""

    def __init__(self, pattern: str, folder: str | None, most_folders: float = math.inf) -> None:
        """Set a pattern relative to a folder."""
        self._most_folders = most_folders
        self.left_out: list[str] = []
        parts = PurePath(pattern).parts
        literal = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts))
        self._folder = folder or ""
        self._start = str(PurePath(*parts[:literal])) if literal else ""
        self._parts = parts[literal:]
        self._folders: list[tuple[str, int]] = []
        self._links: deque[tuple[str, int]] = deque()
        # A link to a folder above the start would lead out of what was named.
        self._above = {identify(str(each)) for each in Path(self._folder, self._start).resolve().parents}
        self._entered: set[tuple[Identity | None, int]] = set()

    def files(self) -> Iterator[str]:
        """The paths of matching files, relative to the folder; links may repeat a file.

        Raises:
            MissingCorpusError: there are too many folders.
        """
        if not self._parts:
            if self._start and Path(self._folder, self._start).is_file():
                yield self._start
            return
        self._folders.append((self._start, 0))
        while self._folders or self._links:
            if len(self._entered) >= self._most_folders:
                raise MissingCorpusError(
                    f"{self._folder or self._start!r} has too many folders to look into", hint=""
                )
            is_link = not self._folders
            path, place = self._links.popleft() if is_link else self._folders.pop()
            identity = identify(str(Path(self._folder, path)))
            is_above = is_link and self._parts[place] == "**" and identity in self._above
            if identity is None or not (is_above or (identity, place) in self._entered):
                self._entered.add((identity, place))
                yield from self._files_in(path, place)
            elif is_link:
                target = "what it is in" if is_above else "a folder that is read anyway"
                self.left_out.append(f"{self._label(path)} (a link to {target})")

    def _files_in(self, folder: str, place: int) -> Iterator[str]:
        """A folder's files that match the pattern from this place on; queues subfolders."""
        part, is_last = self._parts[place], place + 1 == len(self._parts)
        if part == "**" and not is_last:
            self._folders.append((folder, place + 1))
        for name, is_link in self._names(folder, part):
            path = str(PurePath(folder, name))
            mode = read_mode(str(Path(self._folder, path)))
            if is_last and stat.S_ISREG(mode):
                yield path
            elif stat.S_ISDIR(mode) and (part == "**" or not is_last):
                noted = self._links if is_link else self._folders
                noted.append((path, place if part == "**" else place + 1))

    def _names(self, folder: str, part: str) -> Iterator[tuple[str, bool]]:
        """A folder's names that match a part, and whether they are links."""
        if not glob.has_magic(part):
            yield part, False
            return
        try:
            with os.scandir(Path(self._folder, folder)) as entries:
                found = [(entry.name, entry.is_symlink()) for entry in entries]
        except PermissionError:
            self.left_out.append(f"{self._label(folder)} (it may not be read)")
            return
        except OSError:
            return
        for name, is_link in found:
            is_named = part.startswith(".") or not name.startswith(".")
            if is_named and (part == "**" or fnmatch.fnmatch(name, part)):
                yield name, is_link

    def _label(self, path: str) -> str:
        return repr(str(Path(self._folder, path)))
