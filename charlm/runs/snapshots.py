"""Earlier saves: what ``last.safetensors`` was after this step and that, as many of them as were asked for.

Such a file is a whole save: in the place of ``last.safetensors``, it is where training goes on from; in the place
of ``model.safetensors``, it is the model.
"""

from __future__ import annotations

import re
from pathlib import Path

from charlm.base.errors import RunError

KEPT = re.compile(r"step-([0-9]{6,18})\.safetensors")


def kept_path(folder: Path, step: int) -> Path:
    """Where the save of a step is kept.

    >>> kept_path(Path("runs", "a-1"), 500).name
    'step-000500.safetensors'
    """
    return folder / f"step-{step:06d}.safetensors"


def kept_saves(folder: Path) -> list[Path]:
    """The saves that a run's folder keeps, in the order of their steps.

    Raises:
        RunError: the folder cannot be read.
    """
    try:
        found = [(KEPT.fullmatch(entry.name), entry) for entry in folder.iterdir()]
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error.strerror}; see to its permissions") from error
    return [entry for _, entry in sorted((int(match[1]), entry) for match, entry in found if match)]


def keep_only(folder: Path, count: int) -> None:
    """Delete the oldest saves that a run's folder keeps, down to so many.

    Raises:
        RunError: the system refuses.
    """
    for path in kept_saves(folder)[: -count or None]:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{path} cannot be deleted: {error.strerror}; see to its permissions") from error
