"""Residual connections between layers (He et al. 2016; Wu et al. 2016 for stacked recurrence).

Each layer after the first hands upwards the sum of its outputs and its inputs, so that gradients reach the lower
layers undiminished. Dropout is of what a layer adds, not of what passes by it: every unit is dropped once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats


class Residual:
    """The sums that layers hand upwards, where ``is_on``; otherwise it does nothing."""

    def __init__(self, layers: int, shape: tuple[int, int, int], dtype: npt.DTypeLike, is_on: bool) -> None:
        """Allocate for outputs of up to this shape (T, B, H)."""
        self._is_on = is_on
        self._sums: list[Floats] = [np.empty(shape, dtype) for _ in range(1, layers) if is_on]
        self._above_TBH: Floats = np.empty(shape if is_on else (0, 0, 0), dtype)

    def forward(self, h_TBH: Floats, outputs: Sequence[Floats]) -> Floats:
        """What a layer hands upwards: its outputs, plus what the layer below did, the last of ``outputs``."""
        if not (self._is_on and outputs):
            return h_TBH
        return np.add(h_TBH, outputs[-1], out=self._sums[len(outputs) - 1][: len(h_TBH)])

    def keep(self, dh_TBH: Floats) -> None:
        """Keep the gradient with respect to what a layer handed upwards."""
        if self._is_on:
            self._above_TBH[: len(dh_TBH)] = dh_TBH

    def backward(self, dh_TBH: Floats) -> None:
        """Add the gradient that was kept to the one that came through the layer, in place."""
        if self._is_on:
            dh_TBH += self._above_TBH[: len(dh_TBH)]
