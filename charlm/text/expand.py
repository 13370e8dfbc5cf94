"""From what a user names to files: folders, patterns, and the order in which their files are read.

What is named first is read first. The files of a folder or a pattern are read in the order of their paths, by
code points and folder by folder, so that the order is the same on every machine.
"""

from __future__ import annotations

import glob
import stat
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePath

from charlm.errors import CorpusError
from charlm.text.members import Member, refusal

MOST_LOOKED_AT = 10_000  # files of a folder, for the hint what it has
MOST_SHOWN = 3


def files_of(named: str, pattern: str, remedy: str) -> list[Member]:
    """The files that a name stands for, at least one.

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
        found = _matches(named) if is_pattern else []
        if not found:
            lack = f"the pattern {named!r} fits no file" if is_pattern else f"there is no file {named!r}"
            raise CorpusError(f"{lack}: {remedy}") from None
        return [Member(repr(path), str(Path(path).resolve())) for path in found]
    except (OSError, ValueError) as error:
        raise refusal(repr(named), error) from None
    if not stat.S_ISDIR(mode):
        return [Member(repr(named), str(Path(named).resolve()))]
    return _files_in(named, pattern)


def _files_in(folder: str, pattern: str) -> list[Member]:
    found = _matches(pattern, folder)
    if not found:
        raise CorpusError(f"{folder!r} has no file that --glob {pattern!r} fits: {_hint(folder)}")
    root = Path(folder).resolve()
    return [Member(repr(str(Path(folder, path))), str(root / path)) for path in found]


def _matches(pattern: str, folder: str | None = None) -> list[str]:
    """The files that fit a pattern, in order; hidden ones must be named with their dot."""
    return sorted(set(_found(pattern, folder)), key=lambda path: PurePath(path).parts)


def _found(pattern: str, folder: str | None) -> Iterator[str]:
    # Path.glob would find hidden files too.
    found = glob.iglob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207
    return (path for path in found if Path(folder or "", path).is_file())


def _hint(folder: str) -> str:
    """What a folder has, so that a pattern can be chosen."""
    endings = Counter(PurePath(path).suffix for path in islice(_found("**/*", folder), MOST_LOOKED_AT))
    common = [(ending, count) for ending, count in endings.most_common(MOST_SHOWN) if ending]
    if not common:
        return "name its files, or give another folder"
    shown = ", ".join(f"{ending} ({count:,})" for ending, count in common)
    return f"it has {shown}, so choose, such as --glob '**/*{common[0][0]}'"
