"""Dropout of the network's input, as whole symbols (Gal & Ghahramani 2016, word embedding dropout).

A symbol that is dropped from a stream's chunk is dropped wherever it occurs there: its row of the input table
is zero, and the first layer sees its own bias alone. The rows that survive are scaled up. A dropped symbol is
read as one more symbol, whose row is zero, so that activations need no pass of their own.
"""

from __future__ import annotations

import numpy as np

from charlm.arrays import Codes, Floats, code_dtype


class SymbolDropout:
    """Drops each symbol from a stream's chunk at chance ``rate``.

    Attributes:
        x_TB: the symbols of the last pass, V for those that were dropped.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._is_on = False
        self.x_TB: Codes = np.empty((0, 0), np.uint8)

    def forward(self, rows_VG: Floats, x_TB: Codes, rng: np.random.Generator | None) -> Floats:
        """Take a chunk's symbols, and give the rows that they stand for: those of the table, or V + 1."""
        self._is_on = rng is not None and self._rate > 0
        self.x_TB = x_TB
        if rng is None or not self._rate:
            return rows_VG
        symbols, batch_size = len(rows_VG), x_TB.shape[1]
        is_dropped_BV = rng.random((batch_size, symbols), np.float32) < self._rate
        self.x_TB = x_TB.astype(code_dtype(symbols + 1))
        self.x_TB[is_dropped_BV[np.arange(batch_size), x_TB]] = symbols
        return np.concatenate([rows_VG / rows_VG.dtype.type(1 - self._rate), np.zeros_like(rows_VG[:1])])

    def backward(self, drows_VG: Floats) -> Floats:
        """The gradient of the table's rows, from that of V + 1, the last of which is for what was dropped."""
        own_VG: Floats = drows_VG[:-1]
        return own_VG / own_VG.dtype.type(1 - self._rate) if self._is_on else own_VG
