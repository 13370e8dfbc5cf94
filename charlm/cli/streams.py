"""The three standard streams: none is missing, and what standard error cannot take does not stop the work."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Unfailing(io.RawIOBase):
    """Writes to another stream; once the system has refused a write, that one and all later ones are dropped."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream  # which closes what is below it when it goes
        below: Any = stream.buffer
        self._raw: io.RawIOBase = getattr(below, "raw", below)
        self._is_lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write bytes, or drop them; how many are done with."""
        size = memoryview(data).nbytes
        if self._is_lost:
            return size
        try:
            written = self._raw.write(data)
        except OSError:
            self._is_lost = True
            return size
        return size if written is None else written  # None: it would have to wait for its reader

    def writable(self) -> bool:
        """It is."""
        return True

    def isatty(self) -> bool:
        """Whether the other stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The other stream's number."""
        return self._stream.fileno()


def prepare_streams() -> None:
    """Open the streams that were closed when the program began, and make standard error one that cannot fail.

    A closed stream is as the null device. Left closed, its number would go to the next file that is opened, which
    would then get what is printed.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A sample may hold characters that the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        buffer = io.BufferedWriter(Unfailing(sys.stderr))
        sys.stderr = io.TextIOWrapper(buffer, sys.stderr.encoding, "backslashreplace", line_buffering=True)
