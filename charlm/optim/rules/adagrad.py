"""Adagrad: a learning rate per parameter (Duchi, Hazan & Singer 2011)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer, adaptive_step_

EPSILON = 1e-10


class Adagrad(Optimizer):
    """s = s + g^2, then w = w - lr * g / (sqrt(s) + eps), with eps = 1e-10."""

    slot_names = ("sum",)
    default_lr = 0.03

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        (total,) = slots
        np.multiply(g, g, out=scratch)
        total += scratch
        adaptive_step_(w, g, total, scratch, lr, EPSILON)
