"""An entry's folder in the cache: its files' names, and its removal, which leaves what anybody else put there."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from charlm.base.files.atomic import meant_for

HEADER, ALPHABET, CODES = "header.json", "alphabet", "codes"

# The three, the records of what was named, and what is laid out or counted anew from the codes.
_OWN = re.compile(
    r"header\.json|alphabet|codes|files-[0-9a-f]{16}\.json|ends|shuffled-[0-9]+(-ends)?|bigrams-[0-9]+-[0-9]+(-[0-9]+)?"
)


def divided(folder: Path, own: re.Pattern[str] = _OWN) -> tuple[list[Path], list[Path]]:
    """What a folder holds: plain files with names of charlm's, the header last, and everything else."""
    everything = sorted(folder.iterdir(), key=lambda path: (path.name == HEADER, path.name))
    ours = [path for path in everything if is_plain(path) and own.fullmatch(meant_for(path.name) or path.name)]
    return ours, [path for path in everything if path not in ours]


def discard(folder: Path, own: re.Pattern[str] = _OWN) -> None:
    """Remove an entry, finished or not, if it is there; the folder stays where something else lies in it.

    Args:
        folder: where it is.
        own: which names are charlm's; left out, those of an entry's files.

    Raises:
        OSError: the system refuses.
    """
    if not is_folder(folder):
        return
    ours, others = divided(folder, own)
    for path in ours:
        path.unlink(missing_ok=True)
    if not others:
        folder.rmdir()


def is_plain(path: Path) -> bool:
    """Whether there is a file here: no link to one, no pipe, no device."""
    return stat.S_ISREG(_mode(path))


def is_folder(path: Path) -> bool:
    """Whether there is a folder here, and no link to one."""
    return stat.S_ISDIR(_mode(path))


def _mode(path: Path) -> int:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return 0
