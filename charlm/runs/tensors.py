"""A safetensors file with scalars as JSON in its metadata, written atomically."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from charlm.base.arrays import Shapes
from charlm.base.errors import CheckpointError, DivergenceError, RunError
from charlm.base.files.atomic import write_atomically
from charlm.base.files.plain import open_plain
from charlm.base.files.strict_json import json_line, parse_json
from charlm.runs.format_version import stamp, take_stamp
from charlm.runs.safetensors_header import (
    ITEM_TYPES,
    LENGTH_SIZE,
    MAX_HEADER,
    Header,
    TensorSpec,
    check_tensors,
    read_header,
)

Numbers: TypeAlias = npt.NDArray[Any]
ExpectedShapes: TypeAlias = Shapes | Callable[[Mapping[str, TensorSpec]], Shapes]
"""Shapes by name, or a function that tells them from a file's header."""

KEY = "charlm"
_TOO_LARGE = "does not fit in memory: use a machine with more, or check that this is the right file"


def save_tensors(path: Path, tensors: Mapping[str, Numbers], scalars: Mapping[str, Any]) -> None:
    """Replace a file by C-contiguous arrays and JSON scalars, by name.

    Raises:
        DivergenceError: a number is not finite; nothing was written.
        RunError: a system error.
        ValueError: the scalars do not fit a header.
    """
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise DivergenceError(f"{name} holds a number that is not finite, so {path} was not saved")
    text = json_line({**scalars, **stamp()}, f"so {path} was not saved")
    data = save(dict(tensors), {KEY: text})
    if int.from_bytes(data[:LENGTH_SIZE], "little") > MAX_HEADER:
        raise ValueError(f"the scalars of {path} do not fit a header of {MAX_HEADER:,} bytes")
    write_atomically(path, data)


def load_tensors(
    path: Path,
    expected: ExpectedShapes,
    dtype: str | Mapping[str, str],
    *,
    others: Callable[[str], bool] = lambda name: False,
) -> tuple[dict[str, Numbers], dict[str, Any], int]:
    """Read the expected tensors, the scalars and the file's format.

    Raises:
        RunError: the file cannot be read, or changed meanwhile.
        CheckpointError: it is damaged, too large, too new, or does not match.
    """
    where = str(path)
    with open_plain(path) as file:
        header, names, version, scalars = _read_checked_header(file, expected, dtype, others, where)
        tensors = _read_tensors(file, header, names, where)
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{path} is damaged: {name} holds a number that is not finite")
    return tensors, scalars, version


def read_scalars(path: Path) -> dict[str, Any]:
    """The scalars of a file, by its header alone.

    Raises:
        RunError: the file cannot be read.
        CheckpointError: it is damaged or too new.
    """
    with open_plain(path, may_change=True) as file:
        return _parse_scalars(read_header(file, str(path)), str(path))[1]


def check_file(path: Path, expected: Shapes, dtype: str, *, others: Callable[[str], bool]) -> None:
    """Check a file like ``load_tensors``, by its header alone."""
    with open_plain(path) as file:
        _read_checked_header(file, expected, dtype, others, str(path))


def _read_checked_header(
    file: BufferedReader,
    expected: ExpectedShapes,
    dtype: str | Mapping[str, str],
    others: Callable[[str], bool],
    where: str,
) -> tuple[Header, Iterable[str], int, dict[str, Any]]:
    """Read and check a header, with the expected names, the format and the scalars."""
    header = read_header(file, where)
    version, scalars = _parse_scalars(header, where)
    shapes = expected(header.tensors) if callable(expected) else expected
    check_tensors(header.tensors, shapes, dtype, others, where)
    return header, shapes, version, scalars


def _read_tensors(file: BufferedReader, header: Header, names: Iterable[str], where: str) -> dict[str, Numbers]:
    """Read tensors of a file with a checked header."""
    specs = {name: header.tensors[name] for name in names}
    # A sparse file can be as large as it claims without taking space on the disk.
    if sum(spec.stop - spec.start for spec in specs.values()) > _memory_bytes():
        raise CheckpointError(f"{where} {_TOO_LARGE}")
    tensors: dict[str, Numbers] = {}
    try:
        for name, spec in specs.items():
            tensor = np.empty(spec.shape, ITEM_TYPES[spec.dtype])
            file.seek(header.end + spec.start)
            if file.readinto(tensor.reshape(-1).view(np.uint8).data) < tensor.nbytes:
                raise RunError(f"{where} was changed while it was being read; try again")
            tensors[name] = tensor.astype(tensor.dtype.newbyteorder("="), copy=False)
    except MemoryError:
        raise CheckpointError(f"{where} {_TOO_LARGE}") from None
    return tensors


def _memory_bytes() -> float:
    """This machine's memory; infinite if unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _parse_scalars(header: Header, where: str) -> tuple[int, dict[str, Any]]:
    """The file's format and its scalars."""
    # A lone surrogate, from a JSON escape, passes here; parse_json refuses it as invalid UTF-8.
    text = header.metadata.get(KEY, "null").encode("utf-8", "surrogatepass")
    values = parse_json(text, f"the metadata of {where}")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} was not written by charlm: its metadata has no {KEY!r}")
    return take_stamp(values, where)


def is_stamped(path: Path, scalars: Mapping[str, Any]) -> bool:
    """Whether a file has these scalars alone, as ``save_tensors`` wrote them."""
    try:
        with open_plain(path) as file:
            _, found = _parse_scalars(read_header(file, str(path)), str(path))
    except RunError:
        return False
    return found == dict(scalars)
