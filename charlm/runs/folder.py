"""A run's folder: file names, lock, checkpoints and cleaning up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from charlm.base.errors import CharlmError, RunError, UsageError, as_run_error
from charlm.base.files.atomic import find_leftovers
from charlm.base.files.lock import hold
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import parse_json
from charlm.runs.format_version import take_stamp
from charlm.runs.metrics import read_validations

CONFIG, VOCAB, METRICS, LOCK = "config.json", "vocab.json", "metrics.jsonl", ".lock"
BEST, LAST, NGRAM, NOTE = "model.safetensors", "last.safetensors", "ngram.safetensors", "note.json"
EVENTS = "tensorboard"  # a folder inside the run's
SNAPSHOT = re.compile(r"step-([0-9]{6,18})\.safetensors")
_NAMES = (CONFIG, VOCAB, METRICS, BEST, LAST, NGRAM, NOTE)
OWN = re.compile("|".join([*map(re.escape, _NAMES), SNAPSHOT.pattern]))
WEIGHTS = {"best": BEST, "last": LAST}

# Room for 280,000 symbols, more than Unicode has characters, and too little to fill a machine's memory.
MAX_VOCAB = 2_000_000
_MAX_LOCK = 32


def holds_run(folder: Path) -> bool:
    """Whether a folder has a config.json."""
    try:
        return (folder / CONFIG).is_file()
    except OSError:
        return False


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Lock a run's folder for writing; it is made if missing.

    Raises:
        RunError: another process trains the run, or a system error.
    """
    with ExitStack() as stack:
        with as_run_error(f"{folder} cannot be used", "give another folder"):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(hold(folder / LOCK, wait=False))
            except BlockingIOError as error:
                raise RunError(
                    f"{folder} is being trained: {error.strerror}; wait for that training, or stop it"
                ) from None
        yield


def check_unused(folder: Path) -> None:
    """Check that a folder holds nothing, a run, or an interrupted creation.

    Raises:
        RunError: it holds something else, or cannot be read.
    """
    if holds_run(folder) or not folder.is_dir():
        return
    with as_run_error(f"{folder} cannot be used", "give another folder"):
        others = set(folder.iterdir()) - _find_unfinished(folder)
    if others:
        raise RunError(f"{folder} is not empty and holds no run: give another folder")


def check_new(folder: Path) -> None:
    """Check that a run can be created in a folder.

    Raises:
        RunError: it holds a run or other files.
    """
    if holds_run(folder):
        raise RunError(f"{folder} holds a run: give another folder, or continue that run with --resume")
    check_unused(folder)


def clear(folder: Path) -> None:
    """Make a folder, or delete an interrupted creation in it.

    Raises:
        RunError: it holds a run or other files.
    """
    check_new(folder)
    with as_run_error(f"{folder} cannot be used", "give another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        for path in _find_unfinished(folder) - {folder / LOCK}:
            path.unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Delete killed writers' temporary files; needs the lock.

    Raises:
        RunError: a system error.
    """
    with as_run_error(f"{folder} cannot be tidied", "see to its permissions"):
        for path in find_leftovers(folder, OWN):
            path.unlink(missing_ok=True)


def _find_unfinished(folder: Path) -> set[Path]:
    """Find the files of an interrupted creation."""
    if not _is_begun(folder):
        return set()
    # Weights without a vocabulary are not charlm's.
    names = {VOCAB, LAST, BEST} if os.path.lexists(folder / VOCAB) else set()
    return {folder / name for name in names | {LOCK}} | find_leftovers(folder, OWN)


def _is_begun(folder: Path) -> bool:
    """Whether charlm began a run here: its lock and vocabulary."""
    try:
        if not re.fullmatch(rb"[0-9]*\n?", read_plain(folder / LOCK, _MAX_LOCK, may_change=True)):
            return False
        if os.path.lexists(folder / VOCAB):
            take_stamp(parse_json(read_plain(folder / VOCAB, MAX_VOCAB), VOCAB), VOCAB)
    except RunError:  # there is no such file, or it is not what charlm writes
        return False
    return True


def snapshot_path(folder: Path, step: int) -> Path:
    """The path of an earlier checkpoint.

    >>> snapshot_path(Path("runs", "a-1"), 500).name
    'step-000500.safetensors'
    """
    return folder / f"step-{step:06d}.safetensors"


def find_snapshots(folder: Path) -> list[Path]:
    """Find earlier checkpoints, in the order of their steps.

    Raises:
        RunError: the folder cannot be read.
    """
    with as_run_error(f"{folder} cannot be read", "see to its permissions"):
        found = [(SNAPSHOT.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    return [entry for _, entry in sorted((int(match[1]), entry) for match, entry in found if match)]


def delete_snapshots(folder: Path, keep: int) -> None:
    """Delete all but the ``keep`` most recent checkpoints.

    Raises:
        RunError: a system error.
    """
    for path in find_snapshots(folder)[: -keep or None]:
        with as_run_error(f"{path} cannot be deleted", "see to its permissions"):
            path.unlink(missing_ok=True)


def parse_weights(which: str) -> str:
    """Normalize ``--weights``: ``best``, ``last`` or a step.

    Raises:
        UsageError: it is none of them.

    >>> parse_weights("last"), parse_weights("000020")
    ('last', '20')
    """
    if which in WEIGHTS:
        return which
    if not (which.isascii() and which.isdecimal()):
        raise UsageError(f"--weights is {which!r}: it must be best, last, or the step of a kept checkpoint")
    return str(int(which))


def identify_weights(path: Path) -> str | None:
    """Which weights a path names, as in ``--weights``; None if none."""
    if not holds_run(path.parent):
        return None
    snapshot = SNAPSHOT.fullmatch(path.name)
    named = {file: which for which, file in WEIGHTS.items()}
    return named.get(path.name) if snapshot is None else str(int(snapshot[1]))


def find_weights(folder: Path, which: str | None) -> Path:
    """Find a run's weights; None is the best, or the last if nothing trained was validated.

    Raises:
        RunError: the run has no such weights.
    """
    # A link that leads nowhere is a damaged file, not a missing one.
    if which is None:
        which = "best" if os.path.lexists(folder / BEST) and not is_best_untrained(folder) else "last"
        problem = "has no weights yet: train again, in another folder"
    elif which in WEIGHTS:
        problem = f"has no {WEIGHTS[which]}: leave out --weights {which}"
    elif steps := ", ".join(str(identify_weights(path)) for path in find_snapshots(folder)):
        problem = f"keeps no checkpoint of step {which}: it keeps those of {steps}"
    else:
        problem = f"keeps no checkpoint of step {which}: it keeps none, train with --keep"
    path = folder / WEIGHTS[which] if which in WEIGHTS else snapshot_path(folder, int(which))
    if not os.path.lexists(path):
        raise RunError(f"{folder} {problem}")
    return path


def is_best_untrained(folder: Path) -> bool:
    """Whether only the untrained network was validated."""
    try:
        records = read_validations(folder / METRICS)
    except CharlmError:
        return False
    return bool(records) and all(record.get("step") == 0 for record in records)
