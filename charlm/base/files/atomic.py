"""Atomic writes: a file is complete or absent."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from charlm.base.errors import as_run_error

PRIVATE = 0o600
"""The mode of a file that only its owner may read."""

_TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]+\.tmp")


@contextmanager
def atomic_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write; it replaces ``path``, not a link's target, at the end.

    Raises:
        OSError: writing failed; nothing has changed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    opened = new_file(temporary, mode)
    try:
        with opened as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by ``data``.

    Raises:
        RunError: a system error; nothing has changed.
    """
    with (
        as_run_error(f"{path} cannot be written", "see to the disk and its permissions"),
        atomic_file(path) as file,
    ):
        file.write(data)


def new_file(path: Path, mode: int) -> BinaryIO:
    """Create a file for writing; OSError if the name exists, even as a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return open(path, "wb", opener=lambda name, _: os.open(name, flags, mode))


def final_name(temporary: str) -> str | None:
    """The final name of a temporary file, else None.

    >>> final_name(".codes.04c1.tmp"), final_name("codes")
    ('codes', None)
    """
    match = _TEMPORARY.fullmatch(temporary)
    return match[1] if match else None


def find_leftovers(folder: Path, names: re.Pattern[str]) -> set[Path]:
    """Find temporary files that killed writers left."""
    return {entry for entry in folder.iterdir() if names.fullmatch(final_name(entry.name) or "")}


def check_disk_space(folder: Path, needed: int) -> None:
    """Raise OSError (ENOSPC) unless this many bytes are free."""
    disk = shutil.disk_usage(folder)
    if disk.total and disk.free < needed:  # some network file systems report no size
        raise OSError(errno.ENOSPC, f"{needed:,} bytes are needed there, and {disk.free:,} are free")


def _sync_folder(folder: Path) -> None:
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
