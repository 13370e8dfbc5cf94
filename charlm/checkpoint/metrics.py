"""The curve of a run: one JSON object a line, appended as training goes.

A line counts once its newline stands. A crash can tear only the last one, so a torn end is dropped: by a reader
in passing, by a writer before it appends.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from charlm.checkpoint.reading import read_plain
from charlm.checkpoint.strict_json import json_line, parse_json
from charlm.errors import CheckpointError, RunError

MAX_BYTES = 256_000_000


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append one record of JSON values; a torn last line is cut off first.

    Raises:
        DivergenceError: a number is not finite; nothing was written.
        RunError: the system refuses.
    """
    line = json_line(record, f"so it was not added to {path}").encode() + b"\n"
    # The file may be a stranger's: a link in its place is not followed.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CheckpointError(f"{path} is not a plain file; a run's files are")
        with os.fdopen(descriptor, "r+b") as file:
            if file.seek(0, os.SEEK_END) > 0:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.truncate(read_plain(path, MAX_BYTES).rfind(b"\n") + 1)
                    file.seek(0, os.SEEK_END)
            file.write(line)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(f"{path} cannot be written: {reason}; see to the disk and its permissions") from error


def read_records(path: Path) -> list[dict[str, Any]]:
    """Every whole record, oldest first; none where there is no file yet.

    Raises:
        RunError: the file cannot be read.
        CheckpointError: a line other than a torn last one is not a JSON object.
    """
    if not path.exists():
        return []
    lines = read_plain(path, MAX_BYTES).split(b"\n")
    records = []
    for number, line in enumerate(lines[:-1], start=1):
        record = parse_json(line, f"{path}, line {number},")
        if not isinstance(record, dict):
            raise CheckpointError(f"{path}, line {number}, is damaged: it is not a JSON object")
        records.append(record)
    return records
