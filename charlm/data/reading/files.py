"""A corpus's files, read in blocks: decompressed where need be, and refused where they change meanwhile."""

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
"""Called now and then with how many more bytes of the files themselves have been read."""

BLOCK = 1 << 20  # bytes that are read at once
EXPANDED = 64 * 10**6
"""Bytes of a decompressed file from which on it is asked how many times it expands."""
MOST_TIMES = 1000
"""How many times as long as its file a text may be: gzip reaches 1,032, on a file of zeros."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def ignore_progress(count: int) -> None:
    """The listener where nobody wants to hear of progress."""


class SpooledPipe:
    """An open file that has no name, into which a pipe was emptied; it is closed when nobody has it any more."""

    def __init__(self, file: BinaryIO) -> None:
        self.fileno = file.fileno
        weakref.finalize(self, file.close)


@dataclass(frozen=True)
class TextFile:
    """One file of a corpus, or what stands in a file's place.

    Attributes:
        label: how messages call it.
        content: the file's absolute path; or the bytes themselves, of a text that is in memory anyway; or what
            came through a pipe.
        may_expand: whether it may become any number of times as long by its decompression.
    """

    label: str
    content: str | bytes | SpooledPipe = field(repr=False)
    may_expand: bool = False

    @property
    def path(self) -> str | None:
        """The file's path, where it has one."""
        return self.content if isinstance(self.content, str) else None

    def stamp(self) -> tuple[int, int, int]:
        """Size in bytes, time of the last change, number of the file: while they stay, nobody has written to it.

        Raises:
            CorpusError: the file is not there or no plain file, or the system refuses.
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
            raise self._not_plain()  # before it is opened, which a device may take for a command
        return status.st_size, status.st_mtime_ns, status.st_ino

    def blocks(self, advance: Advance = ignore_progress) -> Iterator[bytes]:
        """The content from its start, decompressed where the file's name says that it is compressed.

        Raises:
            CorpusError: the file cannot be read, is damaged or cut short, changes its size meanwhile, or expands
                so much that it is refused.
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
        """The blocks of a decompressed file, unless they are what no text is compressed to."""
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
        """The blocks of a file that must end where its size says."""
        size, read = self.stamp()[0], 0
        for block in self._reads(file, file, advance):
            read += len(block)
            if read > size:
                raise CorpusError(
                    f"{self.label} grows while it is read (it had {counted(size, 'bytes')} at first)",
                    hint="wait until nobody writes to it",
                )
            yield block
        if read < size:
            raise CorpusError(
                f"{self.label} has shrunk while it was read (from {counted(size, 'bytes')} to {read:,})",
                hint="wait until nobody writes to it",
            )

    def _reads(self, content: BinaryIO, file: BinaryIO, advance: Advance) -> Iterator[bytes]:
        """The blocks of a content that comes from a file, be it by way of a decompression."""
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
                # A decompression's own complaints have no error number; the system's have.
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
            # Closing what is handed out must leave the nameless file open: it is read more than once.
            copy = os.fdopen(os.dup(self.content.fileno()), "rb")
            copy.seek(0)
            return copy
        except (OSError, ValueError) as error:
            raise refusal(self.label, error) from None

    def _open_plain(self, path: str) -> BinaryIO:
        """Open a file without waiting on a pipe or a device that stands in its place."""
        descriptor = os.open(path, _FLAGS)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise self._not_plain()
        return os.fdopen(descriptor, "rb")

    def _not_plain(self) -> CorpusError:
        return CorpusError(f"{self.label} is not a plain file", hint="give a text file")


def refusal(label: str, error: Exception) -> CorpusError:
    """What to say where the system does not let a file be read."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return CorpusError(f"there is no file {label}", hint="give one that is there")
        case IsADirectoryError():
            return CorpusError(f"{label} is a folder", hint="give a text file")
        case PermissionError():
            return CorpusError(f"{label} may not be read", hint="change its permissions, or give another file")
    return CorpusError(f"{label} cannot be read ({error})", hint="give another file")
