"""JSON lines, escaped text, and messages that wrap on a terminal."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from charlm.base.escape import escape_controls, escape_json

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

DEFAULT_WIDTH = 80


def print_json(record: Mapping[str, Any]) -> None:
    """Print a JSON line; non-finite numbers become null."""
    sys.stdout.write(escape_json(json.dumps(_make_finite(record), ensure_ascii=False, allow_nan=False)) + "\n")
    sys.stdout.flush()


def _make_finite(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {name: _make_finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_make_finite(each) for each in value]
    return value


def write_text(text: str, raw: bool = False) -> None:
    """Print text; terminals get it escaped unless ``raw``."""
    sys.stdout.write(text if raw else escape_for(sys.stdout, text))


def write_note(text: str) -> None:
    """Write a message on standard error, escaped: one line, wrapped on a terminal."""
    sys.stderr.write(wrap_for(sys.stderr, escape_controls(text)) + "\n")


def wrap_for(stream: TextIO, text: str) -> str:
    """Break long lines between words for a terminal, with their indent; in a pipe a message stays one line."""
    if not stream.isatty():
        return text
    width = terminal_width(stream)
    return "\n".join(_wrap(line, width) for line in text.split("\n"))


def _wrap(line: str, width: int) -> str:
    """A line that fits, its rest behind the same spaces and bars.

    >>> print(_wrap("  | one two three", 12))
      | one two
      | three
    """
    indent = line[: len(line) - len(line.lstrip(" |"))]
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def terminal_width(stream: TextIO) -> int:
    """The columns of a stream's terminal: those of ``COLUMNS``, else its own, else 80."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def escape_for(stream: TextIO, text: str) -> str:
    """Escape control characters for a terminal."""
    return escape_controls(text) if stream.isatty() else text


class UnfailingStream(io.RawIOBase):
    """A stream that drops failing writes."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream  # keeps the buffer from being closed
        buffer: Any = stream.buffer
        self._raw: io.RawIOBase = getattr(buffer, "raw", buffer)
        self._is_lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        """Write or drop bytes."""
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
        """True."""
        return True

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The file descriptor."""
        return self._stream.fileno()


def prepare_streams() -> None:
    """Open closed standard streams; make standard error unfailing."""
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
        buffer = io.BufferedWriter(UnfailingStream(sys.stderr))
        sys.stderr = io.TextIOWrapper(buffer, sys.stderr.encoding, "backslashreplace", line_buffering=True)
