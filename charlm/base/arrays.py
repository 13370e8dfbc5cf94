"""Arrays: the key to their names, the types they may have, and the flat vector that all parameters share.

Names end in the axes of what they hold, outermost first:

    T  time steps of a chunk        E  width of an input         V  symbols of the vocabulary
    B  batch: parallel streams      H  hidden units              P  parameters in all
    N  rows: T and B as one axis    G  gates times H

So ``h_TBH`` are hidden states over time, ``h_BH`` those of one step, ``dh_TBH`` the gradient of the loss with
respect to ``h_TBH``. Weights keep the literature's names, W_xh [E, G], W_hh [H, G], b_h [G]. Papers write a
column vector as ``W x``; rows are examples here, so charlm writes ``x @ W``.

In memory, what a recurrence works on step by step has the batch innermost (``empty_steps``): a step's product
then runs with the weights on the left, which matrix libraries do a third faster for few streams, and each
gate's block is contiguous. What is summed over all rows at once is in the usual order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
TokenIds: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
FloatName: TypeAlias = Literal["float32", "float64"]

CACHE_LINE = 64  # bytes


def id_dtype(symbols: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The smallest unsigned type that can number so many symbols.

    >>> [id_dtype(n).name for n in (256, 257, 65_537)]
    ['uint8', 'uint16', 'uint32']
    """
    return np.min_scalar_type(max(symbols - 1, 0))


def empty_steps(*axes: int, dtype: npt.DTypeLike) -> Floats:
    """An uninitialised array (..., B, X), in memory with B innermost.

    >>> empty_steps(2, 3, dtype="float32").flags.f_contiguous
    True
    """
    *outer, batch_size, width = axes
    return empty_aligned((*outer, width, batch_size), dtype).swapaxes(-1, -2)


def empty_aligned(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
    """An uninitialised array that starts at a cache line's start.

    NumPy's own begin 16 bytes into one, so that each of the widest vector loads and stores would touch two
    lines: element-wise work on arrays in cache takes up to twice as long.

    >>> empty_aligned((3, 5), "float32").ctypes.data % CACHE_LINE
    0
    """
    size = prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, np.uint8)
    start = -memory.ctypes.data % CACHE_LINE
    return memory[start : start + size].view(dtype).reshape(shape)


class FlatVector(Mapping[str, Floats]):
    """Named arrays that are views of one flat vector, in the order of their names' shapes.

    An optimiser, a norm or a checksum works on ``flat``; everything else works on the views.

    >>> vector = FlatVector({"W": (2, 3), "b": (3,)}, "float64")
    >>> vector["b"][:] = 1
    >>> vector.flat.size, float(vector.flat.sum())
    (9, 3.0)
    """

    def __init__(self, shapes: Shapes, dtype: npt.DTypeLike, flat: Floats | None = None) -> None:
        """Lay the arrays out over ``flat`` (P,), or over a new vector of zeros.

        Raises:
            ValueError: ``flat`` is not a vector of the right size and type.
        """
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
        """A vector of zeros with the same names and shapes."""
        shapes = {name: view.shape for name, view in self.items()}
        return FlatVector(shapes, self.flat.dtype)

    def part(self, prefix: str) -> dict[str, Floats]:
        """The views whose names start with ``prefix``, under what follows it."""
        return {name[len(prefix) :]: view for name, view in self.items() if name.startswith(prefix)}
