"""A run's folder by itself: its files' names, whether it holds a run, and what may be cleared away in it."""

from __future__ import annotations

import re
from pathlib import Path

from charlm.checkpoint.atomic import leftovers
from charlm.checkpoint.kept import KEPT
from charlm.checkpoint.lock import LOCK
from charlm.errors import RunError

CONFIG, VOCABULARY, METRICS = "config.json", "vocab.json", "metrics.jsonl"
BEST, LAST = "model.safetensors", "last.safetensors"
OWN = re.compile("|".join([*map(re.escape, (CONFIG, VOCABULARY, METRICS, BEST, LAST)), KEPT.pattern]))


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
        others = set(folder.iterdir()) - _cut_short(folder) - {folder / LOCK}
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
        for path in _cut_short(folder):
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
    """What a creation that was cut short leaves; weights by themselves are somebody's, and none of it."""
    names = (VOCABULARY, LAST, CONFIG) if (folder / VOCABULARY).exists() else (CONFIG,)
    return {folder / name for name in names} | leftovers(folder, OWN)
