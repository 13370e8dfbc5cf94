"""The header of a safetensors file, checked before use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any, BinaryIO

import numpy as np

from charlm.base.arrays import Shapes
from charlm.base.errors import CheckpointError
from charlm.base.files.strict_json import excerpt, parse_json

LENGTH_SIZE = 8
MAX_HEADER = 1_000_000
MAX_AXES = 8
ITEM_TYPES: Mapping[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "U8": np.dtype("u1"),
    "U16": np.dtype("<u2"),
    "U32": np.dtype("<u4"),
}
DTYPES = {"float32": "F32", "float64": "F64", "uint8": "U8", "uint16": "U16", "uint32": "U32"}


@dataclass(frozen=True)
class TensorSpec:
    """One tensor; ``start`` and ``stop`` count bytes from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """A header; ``end`` is where the tensors' bytes begin."""

    tensors: dict[str, TensorSpec]
    metadata: dict[str, str]
    end: int


def read_header(file: BinaryIO, where: str) -> Header:
    """Read and check an open file's header.

    Raises:
        CheckpointError: it does not fit the file, is not JSON, or contradicts itself.
    """
    room = os.fstat(file.fileno()).st_size - LENGTH_SIZE
    length = int.from_bytes(file.read(LENGTH_SIZE), "little")
    if room < 0 or length > room:
        raise CheckpointError(f"{where} is damaged: it is cut short in its header, or no safetensors file")
    if length > MAX_HEADER:
        raise CheckpointError(f"{where} is damaged: its header claims {length:,} of at most {MAX_HEADER:,} bytes")
    values = parse_json(file.read(length), f"the header of {where}")
    if not isinstance(values, dict):
        raise CheckpointError(f"{where} is damaged: its header is not a mapping")
    metadata = values.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise CheckpointError(f"{where} is damaged: its metadata is not a mapping of texts")
    size = room - length
    tensors = {name: _parse_spec(entry, size, name, where) for name, entry in values.items()}
    _check_offsets(tensors, size, where)
    return Header(tensors, metadata, LENGTH_SIZE + length)


def check_tensors(
    found: Mapping[str, TensorSpec],
    expected: Shapes,
    dtype: str | Mapping[str, str],
    others: Callable[[str], bool],
    where: str,
) -> None:
    """Compare a file's tensors with the expected ones, of one dtype or each of its own.

    ``others`` allows further names.

    Raises:
        CheckpointError: a name, shape or dtype differs.
    """
    if missing := expected.keys() - found.keys():
        raise CheckpointError(f"{where} lacks the tensor {excerpt(min(missing))}, which config.json calls for")
    if odd := [name for name in found.keys() - expected.keys() if not others(name)]:
        raise CheckpointError(f"{where} holds the tensor {excerpt(min(odd))}, for which config.json has no place")
    for name, shape in expected.items():
        spec = found[name]
        at = f"{where}: {name}"
        if spec.shape != shape:
            raise CheckpointError(
                f"{at} has the shape {list(spec.shape)}, and config.json makes it {list(shape)}"
            )
        own_dtype = dtype if isinstance(dtype, str) else dtype[name]
        if spec.dtype != DTYPES[own_dtype]:
            raise CheckpointError(f"{at} is of type {spec.dtype}, and config.json says {own_dtype}")


def _parse_spec(entry: Any, size: int, name: str, where: str) -> TensorSpec:
    at = f"{where} is damaged: the tensor {excerpt(name)}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"{at} is not described by dtype, shape and data_offsets")
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_TYPES:
        raise CheckpointError(f"{at} has the dtype {excerpt(dtype)}; charlm writes {', '.join(ITEM_TYPES)}")
    if not _are_sizes(shape, size) or len(shape) > MAX_AXES:
        raise CheckpointError(f"{at} has the impossible shape {excerpt(shape)}")
    if not _are_sizes(place, size) or len(place) != 2:
        raise CheckpointError(f"{at} lies outside the file, at {excerpt(place)}")
    if place[1] - place[0] != prod(shape) * ITEM_TYPES[dtype].itemsize:
        raise CheckpointError(f"{at} has a shape that does not fit its bytes")
    return TensorSpec(dtype, tuple(shape), *place)


def _are_sizes(values: Any, size: int) -> bool:
    """Whether these are whole numbers from 0 to ``size``."""
    return isinstance(values, list) and all(type(value) is int and 0 <= value <= size for value in values)


def _check_offsets(tensors: Mapping[str, TensorSpec], size: int, where: str) -> None:
    """Refuse tensors with overlaps or gaps between or after them."""
    places = sorted((spec.start, spec.stop) for spec in tensors.values())
    edges = [(0, 0), *places, (size, size)]
    if any(before[1] != after[0] for before, after in pairwise(edges)):
        raise CheckpointError(f"{where} is damaged: its tensors do not fill it exactly; it may be cut short")
