"""Stochastic gradient descent (Robbins & Monro 1951)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer


class SGD(Optimizer):
    """w = w - lr * g."""

    default_lr = 0.5

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        np.multiply(g, lr, out=scratch)
        w -= scratch
