"""The recurrent products of one step: few columns, one for each sequence, times all weights.

OpenBLAS first copies both factors of a product to another layout, which takes up to a third of the time where one
of them has few columns. Its AVX-512 kernels read the factors where they are, in products of up to 10^6
multiplications: so a larger product is computed in blocks of that size.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from threadpoolctl import threadpool_info

from charlm.base.arrays import Floats

SMALL_PRODUCT = 1_000_000  # multiplications; OpenBLAS's limit
SHORTEST_BLOCK = 8  # outputs; in smaller blocks a product is slower than as a whole
AVX512_KERNELS = ("SkylakeX", "Cooperlake", "SapphireRapids")


def multiply_step(x_BK: Floats, W_KM: Floats, out: Floats) -> Floats:
    """Write ``x @ W`` (B, M) of one step; fastest where B is innermost in memory (``empty_steps``)."""
    (batch_size, inner), outputs = x_BK.shape, W_KM.shape[1]
    blocks = count_blocks(batch_size, inner, outputs) if _has_small_kernels() else 1
    half = batch_size // 2
    if blocks == 1 and batch_size % 2 == 0 and _has_small_kernels() and count_blocks(half, inner, outputs) > 1:
        multiply_step(x_BK[:half], W_KM, out[:half])
        multiply_step(x_BK[half:], W_KM, out[half:])
        return out
    if blocks == 1:
        return np.matmul(x_BK, W_KM, out=out)
    W_nMK, out_nMB = W_KM.T.reshape(blocks, -1, inner), out.T.reshape(blocks, -1, batch_size)
    np.matmul(W_nMK, x_BK.T, out=out_nMB)
    return out


@cache
def count_blocks(batch_size: int, inner: int, outputs: int) -> int:
    """The fewest equal blocks of outputs that are small products, or 1 if there are none.

    >>> count_blocks(32, 256, 1024), count_blocks(1, 512, 2048), count_blocks(32, 509, 4 * 509)
    (16, 1, 1)
    """
    if batch_size == 1:  # a product with a vector has no factor to copy
        return 1
    for blocks in range(1, outputs // SHORTEST_BLOCK + 1):
        if outputs % blocks == 0 and batch_size * inner * outputs // blocks <= SMALL_PRODUCT:
            return blocks
    return 1


@cache
def _has_small_kernels() -> bool:
    """Whether NumPy multiplies with OpenBLAS on a processor with AVX-512."""
    return any(library.get("architecture") in AVX512_KERNELS for library in threadpool_info())
