"""Reading files that a stranger may have made: plain files only, and no more of them than expected."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charlm.errors import CheckpointError, RunError


@contextmanager
def open_plain(path: Path) -> Iterator[BinaryIO]:
    """Open a plain file for reading, without waiting on a pipe or a device that stands in its place.

    Raises:
        RunError: the file is missing or cannot be read.
        CheckpointError: it is not a plain file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CheckpointError(f"{path} is not a plain file; a run's files are")
        with os.fdopen(descriptor, "rb") as file:
            yield file
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from error


def read_plain(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most ``limit`` bytes.

    Raises:
        RunError: the file is missing or cannot be read.
        CheckpointError: it is too long, or not a plain file.
    """
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = b"" if size > limit else file.read(limit + 1)
        if size > limit or len(data) > limit:
            raise CheckpointError(f"{path} is longer than the {limit:,} bytes that it may have")
        return data
