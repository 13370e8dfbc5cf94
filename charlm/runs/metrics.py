"""The curve of a run: one JSON object a line, appended as training goes.

A line counts once its newline stands. A crash can tear only the last one, so a torn end is dropped: by a reader
in passing, by a writer before it appends.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path
from typing import Any

from charlm.base.errors import CheckpointError, RunError
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import json_line, parse_json

# Room for 100,000 records of charlm's, which are flat and a fraction of a line's limit.
MAX_BYTES = 16_000_000
MAX_RECORDS = 100_000
MAX_LINE = 64_000


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append one record of JSON values; a torn last line is cut off first.

    Raises:
        DivergenceError: a number is not finite; nothing was written.
        RunError: the system refuses.
        CheckpointError: what is there is no curve.
    """
    line = json_line(record, f"so it was not added to {path}").encode() + b"\n"
    with _open_at_end(path) as file:
        file.write(line)


def forget_after(path: Path, step: int) -> None:
    """Drop the records at the end that are of later steps; a damaged line and what precedes it stay.

    Raises:
        RunError: the system refuses.
        CheckpointError: what is there is no curve.
    """
    if not os.path.lexists(path):
        return
    with _open_at_end(path) as file:
        size = file.tell()
        start = file.seek(max(0, size - MAX_BYTES))  # far more than a run writes between two saves
        lines = file.read(MAX_BYTES).splitlines(keepends=True)
        dropped = 0
        while lines and _step_of(lines[-1]) > step:
            dropped += len(lines.pop())
        if lines or not start:
            file.truncate(size - dropped)


def _step_of(line: bytes) -> float:
    try:
        return float(parse_json(line, "a record")["step"])
    except (CheckpointError, KeyError, TypeError, ValueError):
        return -math.inf


def read_records(path: Path) -> list[dict[str, Any]]:
    """Every whole record, oldest first; none where there is no file yet.

    Raises:
        RunError: the file cannot be read.
        CheckpointError: a line other than a torn last one is no record, or there are too many.
    """
    if not os.path.lexists(path):
        return []
    # A training may be appending to it.
    data = read_plain(path, MAX_BYTES, may_change=True)
    if data.count(b"\n") > MAX_RECORDS:
        raise CheckpointError(f"{path} has more than the {MAX_RECORDS:,} records that it may have")
    *lines, torn = data.split(b"\n")
    if len(torn) > MAX_LINE:
        raise CheckpointError(f"{path} is damaged: its last line is longer than any record")
    return [_record(line, f"{path}, line {number},") for number, line in enumerate(lines, start=1)]


def _record(line: bytes, where: str) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise CheckpointError(f"{where} is damaged: it is longer than any record")
    record = parse_json(line, where)
    if not isinstance(record, dict) or any(isinstance(value, dict | list | str) for value in record.values()):
        raise CheckpointError(f"{where} is damaged: it is not a JSON object of numbers")
    if type(record.get("step", 0)) is not int:
        raise CheckpointError(f"{where} is damaged: its step is no whole number")
    return record


@contextmanager
def _open_at_end(path: Path) -> Iterator[BufferedRandom]:
    """Open the file, or make it, to write behind its last newline; what stands there, torn, is cut off.

    Raises:
        RunError: the system refuses.
        CheckpointError: what is there is no curve.
    """
    # The file may be a stranger's: a link in its place is not followed.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CheckpointError(f"{path} is not a plain file; a run's files are")
        with os.fdopen(descriptor, "r+b") as file:
            _cut_torn_end(file, path)
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path} cannot be written: {reason}; see to the disk and its permissions") from error


def _cut_torn_end(file: BufferedRandom, path: Path) -> None:
    """Leave an open file at its end, and that behind a newline."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - MAX_LINE))
    end = file.read(MAX_LINE)
    whole = end.rfind(b"\n") + 1
    if whole == 0 and start > 0:
        raise CheckpointError(f"{path} is damaged: its last line is longer than any record")
    if whole < len(end):
        file.truncate(start + whole)
    file.seek(start + whole)
