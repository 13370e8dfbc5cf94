"""RMSprop: division by a moving root mean square (Tieleman & Hinton 2012)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer, adaptive_step_

SMOOTHING = 0.99
EPSILON = 1e-8


class RMSprop(Optimizer):
    """v = a * v + (1 - a) * g^2, then w = w - lr * g / (sqrt(v) + eps), with a = 0.99 and eps = 1e-8."""

    slot_names = ("mean_square",)
    default_lr = 2e-3

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        (mean_square,) = slots
        np.multiply(g, g, out=scratch)
        scratch *= 1 - SMOOTHING
        mean_square *= SMOOTHING
        mean_square += scratch
        adaptive_step_(w, g, mean_square, scratch, lr, EPSILON)
