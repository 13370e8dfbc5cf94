"""Which of a run's weights are meant: the best, the last, or those of an earlier save that was kept."""

from __future__ import annotations

import os
from pathlib import Path

from charlm.base.errors import RunError, UsageError
from charlm.runs.folder import BEST, LAST, holds_run
from charlm.runs.snapshots import KEPT, kept_path, kept_saves

_FILES = {"best": BEST, "last": LAST}


def checked_weights(which: str) -> str:
    """``best``, ``last`` or a step, as it may stand behind ``--weights``.

    Raises:
        UsageError: it is none of them.

    >>> checked_weights("last"), checked_weights("000020")
    ('last', '20')
    """
    if which in _FILES:
        return which
    if not (which.isascii() and which.isdecimal()):
        raise UsageError(f"--weights is {which!r}: it must be best, last, or the step of a save that is kept")
    return str(int(which))


def weights_of(path: Path) -> str | None:
    """Which weights a path names by its file; None where it names none of a run's.

    >>> weights_of(Path("step-000020.safetensors")), weights_of(Path("other.safetensors"))
    (None, None)
    """
    if not holds_run(path.parent):
        return None
    kept = KEPT.fullmatch(path.name)
    named = {file: which for which, file in _FILES.items()}
    return named.get(path.name) if kept is None else str(int(kept[1]))


def weights_path(folder: Path, which: str | None) -> Path:
    """The file of a run's weights.

    Args:
        folder: the run's.
        which: see ``checked_weights``; None is the best, and the last where no best exist yet.

    Raises:
        RunError: the run has no such weights.
    """
    # A link that leads nowhere is a damaged file, and not a missing one.
    if which is None:
        which = "best" if os.path.lexists(folder / BEST) else "last"
        refusal = "has no weights yet: train anew, in another folder"
    elif which in _FILES:
        refusal = f"has no {_FILES[which]}: leave out --weights {which}"
    else:
        steps = ", ".join(str(int(save.stem.removeprefix("step-"))) for save in kept_saves(folder))
        refusal = f"keeps no save of step {which}: " + (
            f"it keeps those of {steps}" if steps else "it keeps none, which training does with --keep"
        )
    path = folder / _FILES[which] if which in _FILES else kept_path(folder, int(which))
    if not os.path.lexists(path):
        raise RunError(f"{folder} {refusal}")
    return path
