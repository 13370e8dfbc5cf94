"""A run's training log: a JSON object per line.

A record is a validation, or a training loss: the mean over the steps since the one before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import Any, Self

from charlm.base.errors import CheckpointError, as_run_error
from charlm.base.files.plain import read_plain
from charlm.base.files.strict_json import json_line, parse_json

# Room for 100,000 of charlm's records, which are flat and short.
MAX_BYTES = 16_000_000
MAX_RECORDS = 100_000
MAX_LINE = 64_000


@dataclass(frozen=True)
class RunSummary:
    """The figures of a training log up to its latest validation, None if missing.

    The loss is in the task's unit; ``best`` is the whole record of the best validation.
    """

    steps: int | None
    seconds: float | None
    best_val_nats_per_char: float | None
    best: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], loss: str = "nats_per_char") -> Self:
        """Summarize records, oldest first; ``loss`` is the task's.

        >>> RunSummary.of([{"step": 0, "seconds": 0.5, "val_nats_per_char": 3.25}, {"step": 8, "seconds": 2.0}])
        RunSummary(steps=8, seconds=2.0, best_val_nats_per_char=3.25)
        """
        last = records[-1] if records else {}
        key = f"val_{loss}"
        validated = [record for record in records if record.get(key) is not None]
        marked = [record for record in validated if record.get("is_best") is True]
        best = marked[-1] if marked else min(validated, key=lambda record: float(record[key]), default={})
        return cls(last.get("step"), last.get("seconds"), best.get(key), best)


def is_training_loss(record: Mapping[str, Any]) -> bool:
    """Whether a record is a training loss between validations.

    >>> is_training_loss({"step": 3, "train_nats_per_char": 2.5})
    True
    >>> is_training_loss({"step": 3, "train_nats_per_char": 2.5, "val_nats_per_char": None})
    False
    """
    names = [name.partition("_")[0] for name in record]
    return "train" in names and "val" not in names


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append a record, after cutting off a torn last line.

    Raises:
        DivergenceError: a number is not finite; nothing was written.
        RunError: a system error.
        CheckpointError: the file is not a training log.
    """
    line = json_line(record, f"so it was not added to {path}").encode() + b"\n"
    with _open_at_end(path) as file:
        file.write(line)


def forget_after(path: Path, step: int, validated_step: int | None) -> None:
    """Delete the training losses after a step and the validations after another, or all of them for None.

    It stops at the first line, from the end, that stays or is damaged.

    Raises:
        RunError: a system error.
        CheckpointError: the file is not a training log.
    """
    if not os.path.lexists(path):
        return
    with _open_at_end(path) as file:
        size = file.tell()
        start = file.seek(max(0, size - MAX_BYTES))  # far more than a run writes between two saves
        lines = file.read(MAX_BYTES).splitlines(keepends=True)
        dropped = 0
        while lines and _is_later(lines[-1], step, validated_step):
            dropped += len(lines.pop())
        if lines or not start:
            file.truncate(size - dropped)


def is_later(record: Mapping[str, Any], step: int, validated_step: int | None) -> bool:
    """Whether a record is of a training loss after a step, or of a validation after another."""
    last = step if is_training_loss(record) else -1 if validated_step is None else validated_step
    return float(record["step"]) > last


def _is_later(line: bytes, step: int, validated_step: int | None) -> bool:
    try:
        return is_later(parse_json(line, "a record"), step, validated_step)
    except (CheckpointError, KeyError, TypeError, ValueError):
        return False


def read_records(path: Path) -> list[dict[str, Any]]:
    """Read the complete records, oldest first.

    Raises:
        RunError: the file cannot be read.
        CheckpointError: a line is no record, or there are too many.
    """
    if not os.path.lexists(path):
        return []
    # A training process may be appending to it.
    data = read_plain(path, MAX_BYTES, may_change=True)
    if data.count(b"\n") > MAX_RECORDS:
        raise CheckpointError(f"{path} has more than the {MAX_RECORDS:,} records that it may have")
    *lines, torn = data.split(b"\n")
    if len(torn) > MAX_LINE:
        raise CheckpointError(f"{path} is damaged: its last line is longer than any record")
    return [_parse_record(line, f"{path}, line {number},") for number, line in enumerate(lines, start=1)]


def read_validations(path: Path) -> list[dict[str, Any]]:
    """Read the records of validations, as ``read_records``."""
    return [record for record in read_records(path) if not is_training_loss(record)]


def read_training_losses(path: Path) -> list[dict[str, Any]]:
    """Read the records of training losses, as ``read_records``."""
    return [record for record in read_records(path) if is_training_loss(record)]


def _parse_record(line: bytes, where: str) -> dict[str, Any]:
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
    """Open or make the file at its end, without a torn line.

    Raises:
        RunError: a system error.
        CheckpointError: the file is not a training log.
    """
    # The file is untrusted: a link in its place is not followed.
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with as_run_error(f"{path} cannot be written", "see to the disk and its permissions"):
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CheckpointError(f"{path} is not a plain file; a run's files are")
        with os.fdopen(descriptor, "r+b") as file:
            _cut_torn_end(file, path)
            yield file


def _cut_torn_end(file: BufferedRandom, path: Path) -> None:
    """Cut off a torn last line; seek to the end."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - MAX_LINE))
    end = file.read(MAX_LINE)
    whole = end.rfind(b"\n") + 1
    if whole == 0 and start > 0:
        raise CheckpointError(f"{path} is damaged: its last line is longer than any record")
    if whole < len(end):
        file.truncate(start + whole)
    file.seek(start + whole)
