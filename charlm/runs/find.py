"""Runs by name: the newest, all of them, and what a user's TARGET means.

A run is a folder that holds a config.json, or the name of one under ``runs/``; a file of weights in such a folder
is the run with those weights; anything else is a text file. A
name is a single part of a path: with ``/``, or as ``.`` or ``..``, it is a path, which may lead wherever its user
likes. A name never leads out of ``runs/``, not even through a link.
"""

from __future__ import annotations

import dataclasses
import os
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from charlm.base.errors import RunError, UsageError
from charlm.runs.folder import CONFIG, LAST, holds_run
from charlm.runs.run import Run
from charlm.runs.weights import checked_weights, weights_of

RUNS = Path("runs")
MAX_SLUG = 40
MAX_LISTED = 10


def new_run_folder(corpus_name: str) -> Path:
    """Make the next free folder for a corpus's run: ``runs/NAME-1``, ``runs/NAME-2`` and so on.

    Raises:
        RunError: the system refuses.
    """
    stem = slug(corpus_name)
    try:
        RUNS.mkdir(exist_ok=True)
        taken = [re.fullmatch(rf"{re.escape(stem)}-([1-9][0-9]{{,8}})", entry.name) for entry in RUNS.iterdir()]
        number = max((int(match[1]) for match in taken if match), default=0)
        while True:
            number += 1
            folder = RUNS / f"{stem}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:  # another training has just taken it
                continue
            return folder
    except OSError as error:
        raise RunError(f"{RUNS}/ cannot be used: {error.strerror}; give a folder with --out") from error


def slug(name: str) -> str:
    """A name that every file system takes: lower-case ASCII letters and digits, with hyphens between.

    >>> slug("War & Peace (1869)"), slug("Été.txt"), slug("唐诗")
    ('war-peace-1869', 'ete-txt', 'corpus')
    """
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", letters))[:MAX_SLUG].strip("-") or "corpus"


def all_runs() -> list[Path]:
    """The runs under ``runs/``, the one that was last written to at the end.

    Raises:
        RunError: ``runs/`` cannot be read.
    """
    try:
        names = [entry.name for entry in RUNS.iterdir()] if RUNS.is_dir() else []
    except OSError as error:
        raise RunError(f"{RUNS}/ cannot be read: {error.strerror}; see to its permissions") from error
    folders = [folder for name in names if (folder := _named(name)) is not None]
    return sorted(folders, key=lambda folder: (_last_written(folder), folder.name))


def newest_run() -> Path:
    """The run that was last written to.

    Raises:
        RunError: there is none.
    """
    runs = all_runs()
    if not runs:
        raise RunError(f"there is no run under {RUNS}/ here: make one with charlm train")
    return runs[-1]


def resolve(target: str) -> Path | str:
    """What a TARGET means: a run's folder, or a file of its weights, as a Path; or a text file's name as it is.

    Raises:
        UsageError: it is both a run's name and a file or another run here.
    """
    if target == "-":
        return target
    here, named = Path(target), _named(target)
    is_run_here = holds_run(here) or weights_of(here) is not None
    if named is not None and (is_run_here or _is_file(here)):
        raise UsageError(f"{target} may be ./{target} or {named}: write the one that is meant")
    return here if is_run_here else named or target


def find_run(target: str | None, weights: str | None = None) -> Run:
    """The run that a TARGET means, with the weights that are meant.

    Args:
        target: None means the newest run.
        weights: what ``--weights`` says; None leaves it to the target.

    Raises:
        RunError: there is none, or it cannot be read.
        UsageError: the target is ambiguous, or the weights are none.
    """
    weights = None if weights is None else checked_weights(weights)
    found = newest_run() if target is None else resolve(target)
    if isinstance(found, Path):
        own = weights_of(found)
        if own is None:
            return dataclasses.replace(Run.open(found), weights=weights)
        if weights is not None:
            raise UsageError(f"{target} names its weights itself: leave out --weights {weights}, or name the run")
        return dataclasses.replace(Run.open(found.parent), weights=own)
    names = [folder.name for folder in reversed(all_runs())]
    if not names:
        raise RunError(f"there is no run {target!r}, nor any under {RUNS}/: make one with charlm train")
    listed = ", ".join(names[:MAX_LISTED]) + (", ..." if len(names) > MAX_LISTED else "")
    raise RunError(f"there is no run {target!r}; under {RUNS}/ there are: {listed}")


def find_runs(targets: Sequence[str], weights: str | None = None) -> list[Run]:
    """The runs that TARGETs mean; the newest, where there are none. See ``find_run``."""
    return [find_run(target, weights) for target in targets] if targets else [find_run(None, weights)]


def _named(name: str) -> Path | None:
    """The run of this name, where there is one and it lies inside ``runs/``."""
    separators = {"/", os.sep, os.altsep or "/", "\0"}
    if name in ("", ".", "..") or separators & set(name):
        return None
    folder = RUNS / name
    if not holds_run(folder) or folder.resolve().parent != RUNS.resolve():
        return None
    return folder


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # such as a name that is too long
        return False


def _last_written(folder: Path) -> float:
    """When a run was begun or last saved, in seconds since 1970."""
    times = [path.stat().st_mtime for path in (folder / CONFIG, folder / LAST) if path.exists()]
    return max(times, default=0.0)
