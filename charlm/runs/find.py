"""Finding runs: the newest, all, or a TARGET."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from charlm.base.errors import RunError, UsageError, as_run_error
from charlm.base.suggest import did_you_mean
from charlm.runs.folder import BEST, CONFIG, LAST, holds_run, identify_weights, is_best_untrained, parse_weights
from charlm.runs.run import Run
from charlm.runs.tensors import read_scalars

RUNS = Path("runs")
MAX_SLUG = 40
MAX_LISTED = 10


def make_run_folder(corpus_name: str) -> Path:
    """Make the next free folder ``runs/CORPUS-1``, ``runs/CORPUS-2`` and so on.

    Raises:
        RunError: a system error.
    """
    stem = slug(corpus_name)
    with as_run_error(f"{RUNS}/ cannot be used", "give a folder with --out"):
        RUNS.mkdir(exist_ok=True)
        taken = [re.fullmatch(rf"{re.escape(stem)}-([1-9][0-9]{{,8}})", entry.name) for entry in RUNS.iterdir()]
        number = max((int(match[1]) for match in taken if match), default=0)
        while True:
            number += 1
            folder = RUNS / f"{stem}-{number}"
            with suppress(FileExistsError):  # another training has just taken it
                folder.mkdir()
                return folder


def slug(name: str) -> str:
    """Make a name for any file system: lower-case ASCII letters, digits and hyphens.

    >>> slug("War & Peace (1869)"), slug("Été.txt"), slug("唐诗")
    ('war-peace-1869', 'ete-txt', 'corpus')
    """
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall("[a-z0-9]+", letters))[:MAX_SLUG].strip("-") or "corpus"


def list_runs() -> list[Path]:
    """List the runs under ``runs/``, the newest last.

    Raises:
        RunError: ``runs/`` cannot be read.
    """
    with as_run_error(f"{RUNS}/ cannot be read", "see to its permissions"):
        names = [entry.name for entry in RUNS.iterdir()] if RUNS.is_dir() else []
    folders = [folder for name in names if (folder := _find_by_name(name)) is not None]
    return sorted(folders, key=lambda folder: (_last_written(folder), folder.name))


def find_newest_run() -> Path:
    """Find the run last written to; those that hold nothing yet are passed over.

    Raises:
        RunError: there is none.
    """
    return next(_list_newest())


def _list_newest() -> Iterator[Path]:
    """The runs to pick from, the newest first; those that hold nothing yet last.

    Raises:
        RunError: there is none.
    """
    runs = list_runs()[::-1]
    if not runs:
        raise RunError(f"there is no run under {RUNS}/: make one with charlm train")
    yield from (folder for folder in runs if not _holds_nothing(folder))
    yield from runs


def _holds_nothing(folder: Path) -> bool:
    """Whether no step of a run is saved yet."""
    if (folder / BEST).exists() and not is_best_untrained(folder):
        return False
    try:
        return not (folder / LAST).exists() or read_scalars(folder / LAST).get("step") == 0
    except RunError:  # which a run that is named by itself reports
        return False


def resolve(target: str) -> Path | str:
    """Resolve a TARGET: a Path for a run or weights, a string for a text file.

    Raises:
        UsageError: it is ambiguous.
    """
    if target == "-":
        return target
    here, named = Path(target), _find_by_name(target)
    is_run_here = holds_run(here) or identify_weights(here) is not None
    if named is not None and (is_run_here or _is_file(here)):
        raise UsageError(f"{target} may be ./{target} or {named}: give one of these")
    return here if is_run_here else named or target


def find_run(target: str | None, weights: str | None = None, command: str | None = None) -> Run:
    """Find a TARGET's run with its weights; None is the newest run that the command can use.

    Raises:
        RunError: there is none, it cannot be read, or the command is for other tasks.
        UsageError: the target is ambiguous, or the weights are invalid.
    """
    weights = None if weights is None else parse_weights(weights)
    if target is None:
        return dataclasses.replace(_find_newest(command), weights=weights)
    run = _find_named(target, weights)
    if command is not None and not _can_use(run, command):
        own, where = run.config.task.commands, shlex.quote(target)
        first = next((each for each in own if each.startswith("eval ") and command.startswith("eval ")), own[0])
        labels = " with --labels" if run.config.task.labels and run.config.task.task == "predict" else ""
        raise RunError(f"{run.name} is of --task {run.config.task.task}{labels}: charlm {first} {where}")
    return run


def _find_newest(command: str | None) -> Run:
    """The newest run, or the newest that a command can use."""
    for run in map(Run.open, _list_newest()):
        if command is None or _can_use(run, command):
            return run
    raise RunError(f"no run under {RUNS}/ is for charlm {command}: name one, or train one with --task")


def _can_use(run: Run, command: str) -> bool:
    """Whether a command, such as ``sample`` or ``eval units``, is for a run's task."""
    return bool({command, command.partition(" ")[0]} & {*run.config.task.commands})


def _find_named(target: str, weights: str | None) -> Run:
    found = resolve(target)
    if isinstance(found, Path):
        own = identify_weights(found)
        if own is None:
            return dataclasses.replace(Run.open(found), weights=weights)
        if weights is not None:
            raise UsageError(f"{target} names weights itself: leave out --weights {weights}, or name the run")
        return dataclasses.replace(Run.open(found.parent), weights=own)
    names = [folder.name for folder in reversed(list_runs())]
    if not names:
        raise RunError(f"there is no run {target!r}, nor any under {RUNS}/: make one with charlm train")
    listed = ", ".join(names[:MAX_LISTED]) + (", ..." if len(names) > MAX_LISTED else "")
    meant = did_you_mean(str(target), names)
    raise RunError(f"there is no run {target!r}; under {RUNS}/ there are: {listed}{meant}")


def find_runs(targets: Sequence[str], weights: str | None = None, command: str | None = None) -> list[Run]:
    """Find the runs of TARGETs; without any, the newest that the command can use."""
    if not targets:
        return [find_run(None, weights, command)]
    return [find_run(target, weights, command) for target in targets]


def _find_by_name(name: str) -> Path | None:
    """Find a run inside ``runs/`` by name."""
    separators = {"/", os.sep, os.altsep or "/", "\0"}
    if name in ("", ".", "..") or separators & set(name):
        return None
    folder = RUNS / name
    return folder if holds_run(folder) and folder.resolve().parent == RUNS.resolve() else None


def _is_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # such as a name that is too long
        return False


def _last_written(folder: Path) -> float:
    """When a run was last saved, in seconds since 1970."""
    times = [path.stat().st_mtime for path in (folder / CONFIG, folder / LAST) if path.exists()]
    return max(times, default=0.0)
