"""Files that are whole or absent: a reader, a crash or a full disk never meets half of one.

The bytes go to a temporary name in the same folder, are forced to the disk, and only then take the place of the
old file in one rename; the folder is synced last, so that the rename itself survives a power cut.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from charlm.errors import RunError


def write_atomically(path: Path, data: bytes) -> None:
    """Put ``data`` in place of whatever ``path`` held, or leave that as it was.

    A symbolic link at ``path`` is replaced, not followed.

    Raises:
        RunError: the system refuses; nothing has changed, and no temporary file stays behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            _write_through(temporary, data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path} cannot be written: {reason}; see to the disk and its permissions") from error


def leftovers(folder: Path, names: re.Pattern[str]) -> set[Path]:
    """The temporary files of killed writers of files so named; to be deleted where nobody is writing them."""
    temporary = re.compile(r"\.(.+)\.[0-9]+\.tmp")
    found = ((temporary.fullmatch(entry.name), entry) for entry in folder.iterdir())
    return {entry for match, entry in found if match and names.fullmatch(match[1])}


def _write_through(temporary: Path, data: bytes) -> None:
    temporary.unlink(missing_ok=True)
    # "x" creates the file itself, so a link that somebody planted under this name is never followed.
    with temporary.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Force the folder's entries to the disk, where the platform can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
