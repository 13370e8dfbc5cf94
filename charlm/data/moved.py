"""Where files may be that have moved together with the folder of their run."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path, PurePath


def moved(paths: Sequence[str], near: Iterable[Path]) -> Iterator[tuple[str, ...]]:
    """Places where what lay at these paths may be now, nearest first.

    The way from a folder to a file goes up to a folder that holds both, and down again. It stays the same when
    the two move together. How far up it went is not known, so every ancestor is tried, and below each every end
    of the paths, the longest first.

    Args:
        paths: of files and folders, and patterns, all absolute; they have moved by the same way.
        near: folders that may have moved with them, such as the run's.

    Yields:
        As many paths, where something may be there.
    """
    parts = [PurePath(path).parts for path in paths]
    literal = [len(list(takewhile(lambda part: not glob.has_magic(part), each))) for each in parts]
    shared = len(list(takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))))
    # A file's own name stays, and of a pattern a folder: below a stranger's, it may fit anything.
    most = min(shared, *(min(count, len(each)) - 1 for count, each in zip(literal, parts, strict=True)))
    for folder in dict.fromkeys(each for start in near for each in (start, *start.parents)):
        for dropped in range(1, most + 1):
            ends = [each[dropped:] for each in parts]
            kept = [folder.joinpath(*end[: count - dropped]) for end, count in zip(ends, literal, strict=True)]
            found = tuple(str(folder.joinpath(*end)) for end in ends)
            if found != tuple(paths) and all(map(_is_there, kept)):
                yield found


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
