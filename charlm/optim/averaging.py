"""A moving average of the parameters (Polyak & Juditsky 1992; Izmailov et al. 2018)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer

AVERAGE = "average"


class Averaging(Optimizer):
    """An update rule with averaging: a += rate * (w - a)."""

    def __init__(self, rule: Optimizer, steps: int) -> None:
        super().__init__(rule.weight_decay)
        self.slot_names = (*rule.slot_names, AVERAGE)
        self.population = rule.population
        self.candidates, self.learn = rule.candidates, rule.learn  # type: ignore[method-assign]
        self._rule = rule
        self._steps = steps

    def init(self, w_P: Floats) -> dict[str, Floats]:
        """New slots; the parameters are the first average."""
        return self._rule.init(w_P) | {AVERAGE: w_P.copy()}

    def _decay(self, w: Floats, g: Floats, lr: float) -> None:
        self._rule._decay(w, g, lr)

    def _update(self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int) -> None:
        *slots, average = slots
        self._rule._update(w, g, slots, scratch, lr, t)
        np.subtract(w, average, out=scratch)
        scratch *= averaging_rate(self._steps, t)
        average += scratch


def averaging_rate(steps: int, t: int) -> float:
    """The rate after update t: max(1/steps, 9/(10 + t)).

    >>> [round(averaging_rate(100, t), 3) for t in (1, 10, 890, 5000)]
    [0.818, 0.45, 0.01, 0.01]
    """
    return max(1 / steps, 9 / (10 + t))
