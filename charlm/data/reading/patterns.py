"""From what a user names to files: folders, patterns, and the order in which their files are read.

What is named first is read first. The files of a folder or a pattern are read in the order of their paths, by
code points and folder by folder, so that the order is the same on every machine.
"""

from __future__ import annotations

import glob
import stat
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path, PurePath
from typing import TypeAlias

from charlm.base.errors import CorpusError
from charlm.data.reading.files import TextFile, refusal
from charlm.data.reading.walk import Identity, Walk, identity_of

Files: TypeAlias = tuple[list[TextFile], list[str]]
"""Files, and what was left out though its name fits, with the reason for each."""

MOST_LOOKED_AT = 10_000  # files of a folder, for the hint what it has
MOST_SHOWN = 3


def files_of(named: str, pattern: str, remedy: str) -> Files:
    """The files that a name stands for, at least one, and each once.

    Args:
        named: the path of a file or a folder, or a pattern of paths.
        pattern: which files of a folder to read.
        remedy: what to do where there is nothing of that name.

    Raises:
        CorpusError: there is none.
    """
    try:
        mode = Path(named).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        is_pattern = glob.has_magic(named)
        found = _matches(named) if is_pattern else ([], [])
        if not found[0]:
            lack = f"the pattern {named!r} fits no file" if is_pattern else f"there is no file {named!r}"
            raise CorpusError(f"{lack}: {remedy}") from None
        return found
    except (OSError, ValueError) as error:
        raise refusal(repr(named), error) from None
    if not stat.S_ISDIR(mode):
        return [_member(named, {})], []
    found = _matches(pattern, named)
    if not found[0]:
        raise CorpusError(f"{named!r} has no file that --glob {pattern!r} fits: {_hint(named)}")
    return found


def _matches(pattern: str, folder: str | None = None) -> Files:
    """The files that fit a pattern, in order; hidden ones must be named with their dot."""
    walk = Walk(pattern, folder)
    paths = sorted(set(walk.files()), key=lambda path: PurePath(path).parts)
    members, repeated = _once(str(Path(folder or "", path)) for path in paths)
    return members, walk.left_out + repeated


def _once(paths: Iterable[str]) -> Files:
    """Each file under the first of its names."""
    first: dict[Identity, str] = {}
    folders: dict[Path, Path] = {}
    members, repeated = [], []
    for path in paths:
        identity = identity_of(path)
        if identity is not None and first.setdefault(identity, path) != path:
            repeated.append(f"{path!r} (the same file as {first[identity]!r})")
        else:
            members.append(_member(path, folders))
    return members, repeated


def _member(path: str, folders: dict[Path, Path]) -> TextFile:
    """A file by the name that it was given, which says how it is compressed; a link's target may have another.

    Folders that were resolved are kept in ``folders``.
    """
    given = Path(path)
    folder = folders.get(given.parent) or folders.setdefault(given.parent, given.parent.resolve())
    return TextFile(repr(path), str(folder / given.name))


def _hint(folder: str) -> str:
    """What a folder has, so that a pattern can be chosen."""
    endings = Counter(PurePath(path).suffix for path in islice(Walk("**/*", folder).files(), MOST_LOOKED_AT))
    common = [(ending, count) for ending, count in endings.most_common(MOST_SHOWN) if ending]
    if not common:
        return "name its files, or give another folder"
    shown = ", ".join(f"{ending} ({count:,})" for ending, count in common)
    return f"it has {shown}, so choose, such as --glob '**/*{common[0][0]}'"
