"""Rename and delete runs, and keep notes on them; a run in use is refused."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from charlm.base.errors import CharlmError, CheckpointError, RunError, UsageError, as_run_error
from charlm.base.files.atomic import find_leftovers, write_atomically
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import parse_json
from charlm.runs.folder import CONFIG, EVENTS, LOCK, METRICS, NOTE, OWN, VOCAB, holds_run, only_writer
from charlm.runs.format_version import stamp, take_stamp

MAX_NOTE = 2000
_MAX_BYTES = 20_000
_LAST_DELETED = (
    METRICS,
    VOCAB,
    CONFIG,
)  # while the settings are there, the folder is a run that can be deleted again


def read_note(folder: Path) -> str:
    """The note on a run, or nothing.

    Raises:
        RunError: it cannot be read.
        CheckpointError: it is damaged or too new.
    """
    path = folder / NOTE
    if not os.path.lexists(path):
        return ""
    _, values = take_stamp(parse_json(read_plain(path, _MAX_BYTES), str(path)), str(path))
    note = values.get("note")
    if not isinstance(note, str) or len(note) > MAX_NOTE:
        raise CheckpointError(f"{path} is damaged: its note is not a text of at most {MAX_NOTE:,} characters")
    return note


def write_note(folder: Path, text: str) -> None:
    """Keep a note on a run; an empty one deletes it.

    Raises:
        UsageError: it is too long.
        RunError: the run is in use, or a system error.
    """
    if len(text) > MAX_NOTE:
        raise UsageError(f"the note has {len(text):,} characters: give at most {MAX_NOTE:,}")
    with only_writer(folder):
        if text:
            write_atomically(folder / NOTE, json.dumps({**stamp(), "note": text}).encode() + b"\n")
        elif _is_own_note(folder / NOTE):
            (folder / NOTE).unlink(missing_ok=True)


def rename_run(folder: Path, name: str) -> Path:
    """Rename a run's folder in its place; returns the new one.

    Raises:
        UsageError: the name is not one of a folder.
        RunError: the name is taken, the run is in use, or a system error.
    """
    if name in ("", ".", "..") or {"/", os.sep, os.altsep or "/", "\0"} & set(name):
        raise UsageError(f"{name!r} is no name of a run: give one without slashes")
    target = folder.parent / name
    with only_writer(folder), as_run_error(f"{folder} cannot be renamed", "see to its permissions"):
        if os.path.lexists(target):
            raise RunError(f"{target} is there already: give another name")
        folder.rename(target)
    return target


def delete_run(folder: Path) -> list[Path]:
    """Delete what charlm wrote, and the folder if nothing else is in it; returns the files that are left.

    Raises:
        RunError: it is no run, is in use, or a system error.
    """
    if folder.is_symlink() or not holds_run(folder):
        raise RunError(f"{folder} holds no run that can be deleted: see charlm runs")
    with only_writer(folder), as_run_error(f"{folder} cannot be deleted", "see to its permissions"):
        _delete_event_files(folder / EVENTS)
        own = {path for path in folder.iterdir() if OWN.fullmatch(path.name) and not path.is_dir()}
        own |= find_leftovers(folder, OWN)
        if not _is_own_note(folder / NOTE):
            own.discard(folder / NOTE)
        last = [folder / name for name in _LAST_DELETED]
        for path in [*sorted(own - set(last)), *last]:
            path.unlink(missing_ok=True)
        left = sorted(set(folder.iterdir()) - {folder / LOCK})
        with suppress(OSError):  # on Windows a lock that is held stays
            (folder / LOCK).unlink(missing_ok=True)
            folder.rmdir()
    return left


def _delete_event_files(folder: Path) -> None:
    """Delete the files of --tensorboard, and their folder if nothing else is in it."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in folder.glob("events.out.tfevents.*"):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # it holds something else
        folder.rmdir()


def _is_own_note(path: Path) -> bool:
    try:
        read_note(path.parent)
    except CharlmError:
        return False
    return True
