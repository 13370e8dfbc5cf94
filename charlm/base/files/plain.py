"""Reading untrusted files of limited size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from charlm.base.errors import CheckpointError, RunError
from charlm.base.plural import counted

# Never wait on a pipe or a device, or take a terminal as the controlling one.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))


@contextmanager
def open_plain(path: Path, *, may_change: bool = False) -> Iterator[BufferedReader]:
    """Open a plain file for reading, without waiting.

    Raises:
        RunError: it is unreadable, or changed and not ``may_change``.
        CheckpointError: it is not a plain file.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            os.close(descriptor)
            raise CheckpointError(f"{path} is not a plain file; a run's files are")
        with os.fdopen(descriptor, "rb") as file:
            yield file
            after = os.fstat(descriptor)
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error
    if not may_change and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise RunError(f"{path} was changed while it was being read; try again")


def read_plain(path: Path, limit: int, *, may_change: bool = False) -> bytes:
    """The content of a plain file of at most ``limit`` bytes.

    Raises:
        RunError: it is unreadable or changed.
        CheckpointError: it is too long, or not a plain file.
    """
    with open_plain(path, may_change=may_change) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise CheckpointError(f"{path} is longer than the {counted(limit, 'bytes')} that it may have")
        return file.read(size)
