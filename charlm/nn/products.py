"""The recurrent products of one step: few columns, one for each sequence, times all weights.

OpenBLAS first copies both factors of a product to another layout, which takes up to a third of the time where one
of them has few columns. Its AVX-512 kernels read the factors where they are, in products of up to 10^6
multiplications: so a larger product is computed in blocks of that size.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_info

from charlm.base.arrays import Floats, empty_steps

SMALL_PRODUCT = 1_000_000  # multiplications; OpenBLAS's limit
SHORTEST_BLOCK = 8  # outputs; with smaller blocks the product is slower than in one piece
FEW_SEQUENCES = 8  # with more, a product on several cores can be faster than one in blocks
AVX512_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")


def multiply_step(x_BK: Floats, W_KM: Floats, out: Floats) -> Floats:
    """Write ``x @ W`` (B, M) of one step, in blocks where B is innermost in memory (``empty_steps``)."""
    if out.size * len(W_KM) <= SMALL_PRODUCT:  # even a call to decide is a few percent of a small step
        return np.matmul(x_BK, W_KM, out=out)
    blocks, parts = count_blocks(*x_BK.shape, W_KM.shape[1])
    if blocks == parts == 1 or out.strides[0] != out.itemsize:
        return np.matmul(x_BK, W_KM, out=out)
    columns, inner = x_BK.shape
    W_blocks = W_KM.T.reshape(blocks, 1, -1, inner)
    x_parts = x_BK.T.reshape(inner, parts, -1).swapaxes(0, 1)
    np.matmul(W_blocks, x_parts, out=out.T.reshape(blocks, -1, parts, columns // parts).swapaxes(1, 2))
    return out


def empty_product(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
    """A new array (B, M) for ``multiply_step`` where the matrix library may use all cores."""
    is_few = 1 < shape[0] <= FEW_SEQUENCES
    return empty_steps(*shape, dtype=dtype) if is_few else np.empty(shape, dtype)


@cache
def count_blocks(columns: int, inner: int, outputs: int) -> tuple[int, int]:
    """The smallest numbers of equal blocks (of outputs, of columns) whose products are small; (1, 1) if none are.

    >>> count_blocks(1, 512, 2048), count_blocks(31, 509, 4 * 509)
    ((1, 1), (1, 1))
    """
    # For a single column, OpenBLAS copies nothing.
    if columns > 1 and has_small_kernels():
        for parts in (1, 2):
            for blocks in range(1, outputs // SHORTEST_BLOCK + 1):
                is_small = outputs * inner * columns <= SMALL_PRODUCT * blocks * parts
                if is_small and outputs % blocks == 0 and columns % parts == 0:
                    return blocks, parts
    return 1, 1


def has_small_kernels() -> bool:
    """Whether NumPy multiplies with OpenBLAS on a processor with AVX-512."""
    return any(library.get("architecture") in AVX512_KERNELS for library in threadpool_info())
