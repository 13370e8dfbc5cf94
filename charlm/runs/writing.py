"""Writing a run's files: whole or not at all (see ``charlm.base.files.atomic``), errors as one line."""

from __future__ import annotations

import re
from pathlib import Path

from charlm.base.errors import RunError
from charlm.base.files.atomic import atomic_file, final_name


def write_atomically(path: Path, data: bytes) -> None:
    """Put ``data`` in place of whatever ``path`` held, or leave that as it was.

    A symbolic link at ``path`` is replaced, not followed.

    Raises:
        RunError: the system refuses; nothing has changed, and no temporary file stays behind.
    """
    try:
        with atomic_file(path) as file:
            file.write(data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path} cannot be written: {reason}; see to the disk and its permissions") from error


def leftovers(folder: Path, names: re.Pattern[str]) -> set[Path]:
    """The temporary files of killed writers of files so named; to be deleted where nobody is writing them."""
    return {entry for entry in folder.iterdir() if names.fullmatch(final_name(entry.name) or "")}
