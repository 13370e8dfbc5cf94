"""Adagrad: rates that fall with each parameter's own past gradients (Duchi, Hazan & Singer 2011)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer, descend_by_root_

EPSILON = 1e-10


class Adagrad(Optimizer):
    """s + g^2 takes the place of s, then w - lr * g / (sqrt(s) + eps), with eps = 1e-10."""

    slot_names = ("sum",)
    default_lr = 0.03

    def _update_block(
        self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int
    ) -> None:
        (total,) = slots
        np.multiply(g, g, out=scratch)
        total += scratch
        descend_by_root_(w, g, total, scratch, lr, EPSILON)
