"""Arrays: notation, dtypes, flat vectors.

Suffixes name the axes, outermost first:

    T  time steps of a BPTT window  E  input width       V  vocabulary size
    B  batch size                   H  hidden units      P  all parameters
    N  rows: T x B                  G  gates x H

Weights are W_xh [E, G], W_hh [H, G], b_h [G]; rows are examples, ``x @ W``; ``dh_TBH`` is a gradient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import copy
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
TokenIds: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
FloatName: TypeAlias = Literal["float32", "float64"]

CACHE_LINE = 64  # bytes


def id_dtype(vocab_size: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The smallest unsigned dtype for this many ids.

    >>> [id_dtype(n).name for n in (256, 257, 65_537)]
    ['uint8', 'uint16', 'uint32']
    """
    return np.min_scalar_type(max(vocab_size - 1, 0))


def empty_steps(*axes: int, dtype: npt.DTypeLike) -> Floats:
    """An uninitialized array (..., B, X) with B innermost in memory.

    >>> empty_steps(2, 3, dtype="float32").flags.f_contiguous
    True
    """
    *outer, batch_size, width = axes
    return empty_aligned((*outer, width, batch_size), dtype).swapaxes(-1, -2)


def empty_aligned(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
    """An uninitialized array aligned to a cache line.

    >>> empty_aligned((3, 5), "float32").ctypes.data % CACHE_LINE
    0
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class FlatVector(Mapping[str, Floats]):
    """Named arrays as views of one flat vector.

    >>> vector = FlatVector({"W": (2, 3), "b": (3,)}, "float64")
    >>> vector["b"][:] = 1
    >>> vector.flat.size, float(vector.flat.sum())
    (9, 3.0)
    """

    def __init__(self, shapes: Shapes, dtype: npt.DTypeLike, flat: Floats | None = None) -> None:
        """Lay out the arrays over ``flat`` (P,) or zeros; ValueError if unfit."""
        sizes = {name: prod(shape) for name, shape in shapes.items()}
        if flat is None:
            flat = np.zeros(sum(sizes.values()), dtype)
        if flat.shape != (sum(sizes.values()),) or flat.dtype != np.dtype(dtype):
            raise ValueError(f"the shapes need {sum(sizes.values())} numbers of {dtype}, not {flat.shape}")
        self.flat: Floats = flat
        self._views: dict[str, Floats] = {}
        start = 0
        for name, shape in shapes.items():
            self._views[name] = flat[start : start + sizes[name]].reshape(shape)
            start += sizes[name]

    def __getitem__(self, name: str) -> Floats:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def zeros_like(self) -> FlatVector:
        """Zeros with the same names and shapes."""
        shapes = {name: view.shape for name, view in self.items()}
        return FlatVector(shapes, self.flat.dtype)

    def with_views(self, other: FlatVector, names: Collection[str]) -> FlatVector:
        """The same vector, with another vector's arrays under these names."""
        mixed = copy(self)
        mixed._views = self._views | {name: other[name] for name in names}
        return mixed

    def part(self, prefix: str) -> dict[str, Floats]:
        """The views whose names start with ``prefix``, without it."""
        return {name[len(prefix) :]: view for name, view in self.items() if name.startswith(prefix)}
