"""Adam: adaptive moments with bias correction (Kingma & Ba 2015)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer

BETA_1, BETA_2 = 0.9, 0.999
EPSILON = 1e-8


class Adam(Optimizer):
    """m = b1 * m + (1 - b1) * g, v = b2 * v + (1 - b2) * g^2, then w = w - lr * m' / (sqrt(v') + eps).

    m' = m / (1 - b1^t) and v' = v / (1 - b2^t), with b1 = 0.9, b2 = 0.999 and eps = 1e-8.
    """

    slot_names = ("m", "v")
    default_lr = 1.6e-2

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        m, v = slots
        np.multiply(g, 1 - BETA_1, out=scratch)
        m *= BETA_1
        m += scratch
        g *= g
        g *= 1 - BETA_2
        v *= BETA_2
        v += g
        np.multiply(v, 1 / (1 - BETA_2**t), out=g)
        np.sqrt(g, out=g)
        g += EPSILON
        np.divide(m, g, out=g)
        g *= lr / (1 - BETA_1**t)
        w -= g
