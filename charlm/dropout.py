"""Dropout between layers and before the readout (Srivastava et al. 2014; Zaremba et al. 2014 for recurrence).

Units are dropped only where they leave a layer upwards, never on their way to the next time step, so that the
memory is not disturbed. What survives is scaled up, so that evaluation needs no change. Locked masks are drawn
once for a chunk and stream and are the same at all its steps (Gal & Ghahramani 2016, variational dropout): a
unit that is gone at one step cannot be read off at the next.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from charlm.arrays import Floats


class Dropout:
    """The masks of every layer's outputs."""

    def __init__(
        self, layers: int, shape: tuple[int, int, int], dtype: npt.DTypeLike, rate: float, locked: bool = False
    ) -> None:
        """Allocate for outputs of up to this shape (T, B, H), where there is anything to drop."""
        steps = 1 if locked else shape[0]
        self._rate = rate
        self._masks: list[Floats] = [np.empty((steps, *shape[1:]), dtype) for _ in range(layers) if rate]
        self._dropped: list[Floats] = [np.empty(shape, dtype) for _ in range(layers) if rate]
        self._is_on = False

    def forward(self, layer: int, h_TBH: Floats, rng: np.random.Generator | None) -> Floats:
        """What a layer hands upwards (T, B, H): its outputs, or a masked copy where ``rng`` draws masks."""
        self._is_on = rng is not None and self._rate > 0
        if rng is None or not self._rate:
            return h_TBH
        mask_TBH = self._masks[layer][: len(h_TBH)]
        draw_mask(mask_TBH, self._rate, rng)
        return np.multiply(h_TBH, mask_TBH, out=self._dropped[layer][: len(h_TBH)])

    def backward(self, layer: int, dh_TBH: Floats) -> None:
        """Turn the gradient with respect to what was handed upwards into the outputs' own, in place."""
        if self._is_on:
            dh_TBH *= self._masks[layer][: len(dh_TBH)]


def draw_mask(mask: Floats, rate: float, rng: np.random.Generator) -> None:
    """Fill a mask with 0 at chance ``rate`` and 1 / (1 - rate) elsewhere, in place."""
    rng.random(dtype=mask.dtype.type, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask *= 1 / (1 - rate)
