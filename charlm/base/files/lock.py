"""File locks, which end with their process, where the file system has them."""

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
    """Hold the lock of a file, created if missing.

    Raises:
        BlockingIOError: another process holds it, and ``wait`` is False.
        OSError: the file cannot be opened.
    """
    # A link is not followed: another user may have put it there.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, mode)
    try:
        attempts = 0
        while not _is_locked_now(descriptor):
            attempts += 1
            if not wait and attempts > 1:  # the first may have met ``is_held``
                raise BlockingIOError(errno.EAGAIN, f"it is in use{_name_holder(descriptor)}")
            time.sleep(PAUSE)
        with suppress(OSError):  # only error messages need the holder
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        yield
    finally:
        os.close(descriptor)  # this releases the lock


def is_held(path: Path) -> bool:
    """Whether a process holds the lock of a file, as far as the file system tells."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        _take(descriptor, is_shared=True)
    except OSError as error:
        return error.errno in HELD
    finally:
        os.close(descriptor)
    return False


def _is_locked_now(descriptor: int) -> bool:
    """Take a free lock; True if ours or not lockable."""
    try:
        _take(descriptor)
    except OSError as error:
        if error.errno not in HELD | UNKNOWN:
            raise
        return error.errno in UNKNOWN
    return True


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, is_shared: bool = False) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # a locked byte cannot be read, so one past the text
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _take(descriptor: int, is_shared: bool = False) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def _name_holder(descriptor: int) -> str:
    """The holder as the end of a sentence, or empty."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    number = os.read(descriptor, 20).strip()
    return f" by process {int(number)}" if number.isdigit() else ""
