"""A run's folder by itself: its files' names, whether it holds a run, and what may be cleared away in it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from charlm.base.errors import RunError
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import parse_json
from charlm.runs.format_version import take_stamp
from charlm.runs.lock import LOCK
from charlm.runs.snapshots import KEPT
from charlm.runs.writing import leftovers

CONFIG, VOCABULARY, METRICS = "config.json", "vocab.json", "metrics.jsonl"
BEST, LAST = "model.safetensors", "last.safetensors"
OWN = re.compile("|".join([*map(re.escape, (CONFIG, VOCABULARY, METRICS, BEST, LAST)), KEPT.pattern]))

# Room for 280,000 symbols, more than Unicode has characters, and too little to fill a machine's memory.
MAX_VOCABULARY = 2_000_000
_MAX_LOCK = 32


def holds_run(folder: Path) -> bool:
    """Whether a folder is a run: it has a config.json."""
    try:
        return (folder / CONFIG).is_file()
    except OSError:
        return False


def check_unused(folder: Path) -> None:
    """See that a folder holds nothing but a run, or what a creation that was cut short left there.

    Raises:
        RunError: it holds something else, or cannot be read.
    """
    if holds_run(folder) or not folder.is_dir():
        return
    try:
        others = set(folder.iterdir()) - _cut_short(folder)
    except OSError as error:
        raise RunError(f"{folder} cannot be used: {error.strerror}; give another folder") from error
    if others:
        raise RunError(f"{folder} is not empty and holds no run: give another folder")


def clear(folder: Path) -> None:
    """Make a folder, or rid it of what a creation that was cut short left there.

    Raises:
        RunError: it holds a run, or files that are not a run's.
    """
    if holds_run(folder):
        raise RunError(f"{folder} holds a run: give another folder, or go on with it by --resume")
    check_unused(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in _cut_short(folder) - {folder / LOCK}:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be used: {error.strerror}; give another folder") from error


def tidy(folder: Path) -> None:
    """Delete what killed writers left in a run; for whoever holds its lock.

    Raises:
        RunError: the system refuses.
    """
    try:
        for path in leftovers(folder, OWN):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be tidied: {error.strerror}; see to its permissions") from error


def _cut_short(folder: Path) -> set[Path]:
    """What a creation that was cut short leaves, its lock among it; nothing where none was begun."""
    if not _is_begun(folder):
        return set()
    names = {VOCABULARY, LAST} if os.path.lexists(folder / VOCABULARY) else set()  # weights alone are somebody's
    return {folder / name for name in names | {LOCK}} | leftovers(folder, OWN)


def _is_begun(folder: Path) -> bool:
    """Whether a run was begun here: by charlm's lock, and by a vocabulary that is charlm's if there is any."""
    try:
        if not re.fullmatch(rb"[0-9]*\n?", read_plain(folder / LOCK, _MAX_LOCK, may_change=True)):
            return False
        if os.path.lexists(folder / VOCABULARY):
            take_stamp(parse_json(read_plain(folder / VOCABULARY, MAX_VOCABULARY), VOCABULARY), VOCABULARY)
    except RunError:  # there is no such file, or it is not what charlm writes
        return False
    return True
