"""One file of tensors and scalars: safetensors, with the scalars as one JSON text in its metadata.

Writing is atomic and refuses numbers that are not finite. Reading trusts nothing: the header is checked against
the file and against what the configuration expects before the safetensors library opens it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from charlm.arrays import Floats, Shapes
from charlm.checkpoint.atomic import write_atomically
from charlm.checkpoint.reading import open_plain
from charlm.checkpoint.strict_json import json_line, parse_json
from charlm.checkpoint.validate import LENGTH_BYTES, MAX_HEADER, Header, TensorSpec, check_tensors, read_header
from charlm.checkpoint.versions import check_stamp, stamp
from charlm.errors import CheckpointError, DivergenceError, RunError

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
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Read the expected tensors, and the scalars.

    Args:
        path: the file.
        expected: by name, the shapes that there must be.
        dtype: of every expected tensor, float32 or float64.
        others: whether the file may hold a further tensor of this name, which is not read.

    Returns:
        The tensors and the scalars, by name.

    Raises:
        RunError: the file is missing, cannot be read, or was replaced meanwhile.
        CheckpointError: it is damaged, hostile, too large, too new, or not of this configuration.
    """
    where = str(path)
    with open_plain(path) as file:
        header = read_header(file, where)
        scalars = _scalars(header, where)
        check_tensors(header.tensors, expected, dtype, others, where)
        tensors = _read(path, file, {name: header.tensors[name] for name in expected})
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise CheckpointError(f"{path} is damaged: {name} holds a number that is not finite")
    return tensors, scalars


def _read(path: Path, file: BinaryIO, specs: Mapping[str, TensorSpec]) -> dict[str, Floats]:
    """These tensors of an open file whose header has been checked, by the library."""
    # A file with holes can be as large as it claims and take no room on the disk, so its size proves nothing.
    if sum(spec.stop - spec.start for spec in specs.values()) > _memory_bytes():
        raise CheckpointError(f"{path} {_TOO_LARGE}")
    try:
        with safe_open(path, framework="numpy") as archive:
            # The library opens the path anew: what it opened must be the file whose header was checked.
            if not os.path.samestat(path.stat(), os.fstat(file.fileno())):
                raise RunError(f"{path} was replaced while it was being read; try again")
            return {name: archive.get_tensor(name) for name in specs}
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None
    except MemoryError:
        raise CheckpointError(f"{path} {_TOO_LARGE}") from None


def _memory_bytes() -> float:
    """This machine's memory; infinite where the platform does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return math.inf


def _scalars(header: Header, where: str) -> dict[str, Any]:
    # A JSON escape can smuggle a lone surrogate in: it passes here, and is refused as invalid UTF-8 there.
    text = header.metadata.get(KEY, "null").encode("utf-8", "surrogatepass")
    values = parse_json(text, f"the metadata of {where}")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} was not written by charlm: its metadata has no {KEY!r}")
    check_stamp(values, where)
    return {name: value for name, value in values.items() if name not in stamp()}
