"""Reading a corpus's files in blocks, decompressed and checked."""

from __future__ import annotations

import io
import os
import stat
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from charlm.base.errors import CorpusError
from charlm.base.plural import counted
from charlm.data.reading.file_formats import HEAD, decompression_errors, find_decompressor

Advance: TypeAlias = Callable[[int], None]
"""Called with the number of bytes read since the last call, before decompression."""

BLOCK = 1 << 20  # bytes
EXPANDED = 64 * 10**6
"""Bytes of a decompressed file from which on its expansion is limited."""
MOST_TIMES = 1000
"""Largest expansion: gzip reaches 1,032, on a file of zeros."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def ignore_progress(count: int) -> None:
    """Do nothing."""


class SpooledPipe:
    """A nameless file with the content of a pipe."""

    def __init__(self, file: BinaryIO) -> None:
        self.fileno = file.fileno
        weakref.finalize(self, file.close)


@dataclass(frozen=True)
class TextFile:
    """One file of a corpus, or text from memory or a pipe."""

    label: str
    content: str | bytes | SpooledPipe = field(repr=False)
    may_expand: bool = False

    @property
    def path(self) -> str | None:
        """The file's path, or None."""
        return self.content if isinstance(self.content, str) else None

    def stamp(self) -> tuple[int, int, int]:
        """Size in bytes, time of the last change, inode.

        Raises:
            CorpusError: the file is not a readable plain file.
        """
        if isinstance(self.content, bytes):
            return len(self.content), 0, 0
        try:
            if isinstance(self.content, str):
                status = Path(self.content).stat()
            else:
                status = os.fstat(self.content.fileno())
        except (OSError, ValueError) as error:
            raise refusal(self.label, error) from None
        if isinstance(self.content, str) and not stat.S_ISREG(status.st_mode):
            raise self._not_plain()  # before opening it, which may act on a device
        return status.st_size, status.st_mtime_ns, status.st_ino

    def blocks(self, advance: Advance = ignore_progress) -> Iterator[bytes]:
        """The content, decompressed by the file's name.

        Raises:
            CorpusError: it is unreadable, damaged or changing, or expands too much.
        """
        with self._open() as file:
            decompress = find_decompressor(self.path or "", file.read(HEAD), self.label)
            file.seek(0)
            if decompress is None:
                yield from self._plain_blocks(file, advance)
                return
            with closing(decompress(file)) as content:
                yield from self._bounded(self._reads(content, file, advance))

    def _bounded(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks of a decompressed file, with limited expansion."""
        size, read = self.stamp()[0], 0
        for block in blocks:
            read += len(block)
            if read > EXPANDED and read > MOST_TIMES * size and not self.may_expand:
                raise CorpusError(
                    f"{self.label} has {counted(size, 'bytes')} and expands to more than {read:,}, as what is "
                    "made to fill a disk does",
                    hint="if it is meant, allow it by --allow-expansion where there is that flag, or "
                    "decompress it first",
                )
            yield block

    def _plain_blocks(self, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
        """The blocks of a file whose size must not change."""
        size, read = self.stamp()[0], 0
        for block in self._reads(file, file, advance):
            read += len(block)
            if read > size:
                raise CorpusError(
                    f"{self.label} grows while it is read (it had {counted(size, 'bytes')} at first)",
                    hint="wait until no program writes to it",
                )
            yield block
        if read < size:
            raise CorpusError(
                f"{self.label} has shrunk while it was read (from {counted(size, 'bytes')} to {read:,})",
                hint="wait until no program writes to it",
            )

    def _reads(self, content: BinaryIO, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
        """The blocks of the file or its decompression."""
        position = 0
        while True:
            try:
                block = content.read(BLOCK)
            except EOFError:
                raise CorpusError(
                    f"{self.label} is cut short: it ends after byte {content.tell():,} of its content",
                    hint="get it again",
                ) from None
            except decompression_errors() as error:
                # Errors of a decompressor have no error number.
                if getattr(error, "errno", None) is not None:
                    raise refusal(self.label, error) from None
                raise CorpusError(
                    f"{self.label} is damaged after byte {content.tell():,} of its content ({error})",
                    hint="get it again",
                ) from None
            advance(file.tell() - position)
            position = file.tell()
            if not block:
                return
            yield block

    def _open(self) -> BinaryIO:
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        try:
            if isinstance(self.content, str):
                return self._open_plain(self.content)
            # The nameless file is read more than once, so only a copy of it is closed.
            copy = os.fdopen(os.dup(self.content.fileno()), "rb")
            copy.seek(0)
            return copy
        except (OSError, ValueError) as error:
            raise refusal(self.label, error) from None

    def _open_plain(self, path: str) -> BinaryIO:
        """Open a file without waiting for a pipe or a device."""
        descriptor = os.open(path, _FLAGS)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._not_plain()
        return os.fdopen(descriptor, "rb")

    def _not_plain(self) -> CorpusError:
        return CorpusError(f"{self.label} is not a plain file", hint="give a text file")


def refusal(label: str, error: Exception) -> CorpusError:
    """The error for an unreadable file."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return CorpusError(f"there is no file {label}", hint="give one that is there")
        case IsADirectoryError():
            return CorpusError(f"{label} is a folder", hint="give a text file")
        case PermissionError():
            return CorpusError(f"{label} may not be read", hint="change its permissions, or give another file")
    return CorpusError(f"{label} cannot be read ({error})", hint="give another file")
