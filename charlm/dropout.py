"""Dropout between layers and before the readout (Srivastava et al. 2014; Zaremba et al. 2014 for recurrence).

Units are dropped only where they leave a layer upwards, never on their way to the next time step, so that the
memory is not disturbed. What survives is scaled up, so that evaluation needs no change.
"""

from __future__ import annotations

import numpy as np

from charlm.arrays import Floats


def draw_mask(mask: Floats, rate: float, rng: np.random.Generator) -> None:
    """Fill a mask with 0 at chance ``rate`` and 1 / (1 - rate) elsewhere, in place."""
    rng.random(dtype=mask.dtype.type, out=mask)
    np.greater_equal(mask, rate, out=mask, casting="unsafe")
    mask *= 1 / (1 - rate)
