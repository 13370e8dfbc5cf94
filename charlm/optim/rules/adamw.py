"""AdamW: Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

from __future__ import annotations

from charlm.base.arrays import Floats
from charlm.optim.rules.adam import Adam


class AdamW(Adam):
    """Adam, but w = w * (1 - lr * weight_decay) before each update."""

    def _decay(self, w: Floats, g: Floats, lr: float) -> None:
        if self.weight_decay:
            w *= 1 - lr * self.weight_decay
