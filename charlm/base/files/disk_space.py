"""Room on a disk, looked at before much is written."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path


def check_disk_space(folder: Path, needed: int) -> None:
    """See that a folder's disk has this many bytes free.

    Raises:
        OSError: it has not (ENOSPC), or cannot be asked.
    """
    disk = shutil.disk_usage(folder)
    if disk.total and disk.free < needed:  # some network file systems know of no size at all
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed there, and {disk.free:,} are free")
