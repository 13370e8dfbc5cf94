"""One file of tensors and scalars: safetensors, with the scalars as one JSON text in its metadata.

Writing is atomic and refuses numbers that are not finite. Reading trusts nothing: the header is checked against
the file and against what the configuration expects before any tensor has memory. The tensors' bytes are then read
from the file that was checked, not mapped: a mapped file that somebody cuts short would end the process.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from charlm.base.arrays import Floats, Shapes
from charlm.base.errors import CheckpointError, DivergenceError, RunError
from charlm.base.files.plain import open_plain
from charlm.base.files.strict_json import json_line, parse_json
from charlm.runs.format_version import stamp, take_stamp
from charlm.runs.safetensors_header import (
    ITEM_TYPES,
    LENGTH_BYTES,
    MAX_HEADER,
    Header,
    check_tensors,
    read_header,
)
from charlm.runs.writing import write_atomically

KEY = "charlm"
_TOO_LARGE = "does not fit in memory: is it what it should be? If so, use a machine that has more"


def save_tensors(path: Path, tensors: Mapping[str, Floats], scalars: Mapping[str, Any]) -> None:
    """Write one file, in place of the old one.

    Args:
        path: the file.
        tensors: by name, C-contiguous arrays of float32 or float64.
        scalars: by name, JSON values; ``format`` and ``charlm`` are taken.

    Raises:
        DivergenceError: a number is not finite, so nothing was written.
        RunError: the system refuses.
        ValueError: the scalars need more room than a header may have.
    """
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise DivergenceError(f"{name} holds a number that is not finite, so {path} was not saved")
    text = json_line({**scalars, **stamp()}, f"so {path} was not saved")
    data = save(dict(tensors), {KEY: text})
    if int.from_bytes(data[:LENGTH_BYTES], "little") > MAX_HEADER:
        raise ValueError(f"the scalars of {path} do not fit a header of {MAX_HEADER:,} bytes")
    write_atomically(path, data)


def load_tensors(
    path: Path, expected: Shapes, dtype: str, *, others: Callable[[str], bool] = lambda name: False
) -> tuple[dict[str, Floats], dict[str, Any], int]:
    """Read the expected tensors, and the scalars.

    Args:
        path: the file.
        expected: by name, the shapes that there must be.
        dtype: of every expected tensor, float32 or float64.
        others: whether the file may hold a further tensor of this name, which is not read.

    Returns:
        The tensors and the scalars, by name, and the file's format.

    Raises:
        RunError: the file is missing, cannot be read, or was changed meanwhile.
        CheckpointError: it is damaged, hostile, too large, too new, or not of this configuration.
    """
    where = str(path)
    with open_plain(path) as file:
        header, version, scalars = _checked(file, expected, dtype, others, where)
        tensors = _read(file, header, expected, where)
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{path} is damaged: {name} holds a number that is not finite")
    return tensors, scalars, version


def check_file(path: Path, expected: Shapes, dtype: str, *, others: Callable[[str], bool]) -> None:
    """Check that ``load_tensors`` would find what is expected, from the header alone; the raises are the same."""
    with open_plain(path) as file:
        _checked(file, expected, dtype, others, str(path))


def _checked(
    file: BufferedReader, expected: Shapes, dtype: str, others: Callable[[str], bool], where: str
) -> tuple[Header, int, dict[str, Any]]:
    """The header of an open file, which holds what is expected; the file's format and its scalars."""
    header = read_header(file, where)
    version, scalars = _scalars(header, where)
    check_tensors(header.tensors, expected, dtype, others, where)
    return header, version, scalars


def _read(file: BufferedReader, header: Header, names: Iterable[str], where: str) -> dict[str, Floats]:
    """These tensors of an open file whose header has been checked."""
    specs = {name: header.tensors[name] for name in names}
    # A file with holes can be as large as it claims and take no room on the disk, so its size proves nothing.
    if sum(spec.stop - spec.start for spec in specs.values()) > _memory_bytes():
        raise CheckpointError(f"{where} {_TOO_LARGE}")
    tensors: dict[str, Floats] = {}
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
    """This machine's memory; infinite where the platform does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _scalars(header: Header, where: str) -> tuple[int, dict[str, Any]]:
    """The file's format, and its scalars."""
    # A JSON escape can smuggle a lone surrogate in: it passes here, and is refused as invalid UTF-8 there.
    text = header.metadata.get(KEY, "null").encode("utf-8", "surrogatepass")
    values = parse_json(text, f"the metadata of {where}")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} was not written by charlm: its metadata has no {KEY!r}")
    return take_stamp(values, where)
