"""One holder at a time: a lock on a file, which the operating system frees when its holder is gone.

The lock is held on an open file (``flock``, or a locked byte on Windows), so it outlives neither a killed process
nor a reboot: the file stays, and its being there says nothing. Where the platform or the file system knows no
such lock, nobody is kept out; on a network file system it reaches as far as the server's own locks.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
UNKNOWN = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}  # to this file system
PAUSE = 0.1  # seconds between two attempts


@contextmanager
def hold(path: Path, wait: bool = True, mode: int = 0o666) -> Iterator[None]:
    """Hold the lock of a file, which is made where it is missing and stays afterwards.

    Args:
        path: the file, in a folder that is there.
        wait: whether to wait until another holder is done.
        mode: the file's permissions where it is made, less those that the process takes away (umask).

    Raises:
        BlockingIOError: it is held, and not waited for; the error's text names the holder's process if known.
        OSError: the system refuses to make or to open the file.
    """
    # A planted link is not followed.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, mode)
    try:
        while not _is_locked_now(descriptor):
            if not wait:
                raise BlockingIOError(errno.EAGAIN, f"it is in use{_by_whom(descriptor)}")
            time.sleep(PAUSE)
        with suppress(OSError):  # whose lock it is serves a message alone
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)  # which frees the lock


def _is_locked_now(descriptor: int) -> bool:
    """Take the lock of an open file if it is free; whether it is ours, or cannot be anybody's."""
    try:
        _take(descriptor)
    except OSError as error:
        if error.errno not in HELD | UNKNOWN:
            raise
        return error.errno in UNKNOWN
    return True


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # a locked byte cannot be read, so not one of the text's
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _by_whom(descriptor: int) -> str:
    """The holder as the end of a sentence; nothing where it has not yet written down who it is."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    number = os.read(descriptor, 20).strip()
    return f" by process {int(number)}" if number.isdigit() else ""
