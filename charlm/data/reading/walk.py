"""The files that fit a pattern, as ``glob`` has it, though no folder is entered twice, whatever links to it.

What is left out by that is kept to be said. Folders are entered under their own names first, and through links
only where no other way leads to them.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]
"""The device and the number of a file or a folder: all its names share them."""


def identity_of(path: str) -> Identity | None:
    """What all names of a file or a folder share; None where it is not there, or the system numbers none."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if status.st_ino else None


def mode_of(path: str) -> int:
    """The mode bits of what has this name; 0 where nothing has."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


class Walk:
    """A way through folders.

    Attributes:
        left_out: what was not entered though its name fits, with the reason; whole once ``files`` is exhausted.
    """

    def __init__(self, pattern: str, folder: str | None) -> None:
        """Prepare to look for a pattern, in a folder or, where there is none, in the working one."""
        self.left_out: list[str] = []
        parts = PurePath(pattern).parts
        literal = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts))
        self._folder = folder or ""
        self._start = str(PurePath(*parts[:literal])) if literal else ""
        self._parts = parts[literal:]
        self._folders: list[tuple[str, int]] = []
        self._links: deque[tuple[str, int]] = deque()
        # What lies above the start is on the way too: a link to it would lead out of what was named.
        self._above = {identity_of(str(each)) for each in Path(self._folder, self._start).resolve().parents}
        self._entered: set[tuple[Identity | None, int]] = set()

    def files(self) -> Iterator[str]:
        """The paths, from the folder on, of the files that fit; some may be one file under several names."""
        if not self._parts:
            if self._start and Path(self._folder, self._start).is_file():
                yield self._start
            return
        self._folders.append((self._start, 0))
        while self._folders or self._links:
            is_link = not self._folders
            path, place = self._links.popleft() if is_link else self._folders.pop()
            identity = identity_of(str(Path(self._folder, path)))
            is_above = is_link and self._parts[place] == "**" and identity in self._above
            if identity is None or not (is_above or (identity, place) in self._entered):
                self._entered.add((identity, place))
                yield from self._files_in(path, place)
            elif is_link:
                target = "what it is in" if is_above else "a folder that is read anyway"
                self.left_out.append(f"{self._label(path)} (a link to {target})")

    def _files_in(self, folder: str, place: int) -> Iterator[str]:
        """The files in a folder that fit the pattern from this place on; its folders are noted for later."""
        part, is_last = self._parts[place], place + 1 == len(self._parts)
        if part == "**" and not is_last:
            self._folders.append((folder, place + 1))
        for name, is_link in self._names(folder, part):
            path = str(PurePath(folder, name))
            mode = mode_of(str(Path(self._folder, path)))
            if is_last and stat.S_ISREG(mode):
                yield path
            elif stat.S_ISDIR(mode) and (part == "**" or not is_last):
                noted = self._links if is_link else self._folders
                noted.append((path, place if part == "**" else place + 1))

    def _names(self, folder: str, part: str) -> Iterator[tuple[str, bool]]:
        """The names in a folder that fit a part of the pattern, and whether they are links."""
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
