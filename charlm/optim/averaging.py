"""An exponential moving average (EMA) of the parameters, on top of any update rule.

The mean of the last points of an optimizer's path lies closer to the minimum than its last point (Polyak &
Juditsky 1992, "Acceleration of stochastic approximation by averaging"; Izmailov et al. 2018, "Averaging weights
leads to wider optima and better generalization").
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer

AVERAGE = "average"


class Averaging(Optimizer):
    """An update rule that also averages the parameters: a += rate * (w - a) after every update.

    The average is one more slot, which starts from the initial parameters.
    """

    def __init__(self, rule: Optimizer, steps: int) -> None:
        super().__init__(rule.weight_decay)
        self.slot_names = (*rule.slot_names, AVERAGE)
        self._rule = rule
        self._steps = steps

    def init(self, w_P: Floats) -> dict[str, Floats]:
        """New slots for a vector of parameters, which is also the first average."""
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
    """The weight of the newest parameters in the EMA after update t: max(1/steps, 9/(10 + t)).

    That is a decay of min(1 - 1/steps, (1 + t)/(10 + t)), which forgets the early parameters quickly. The
    weights sum to one, so no bias correction is needed.

    >>> [round(averaging_rate(100, t), 3) for t in (1, 10, 890, 5000)]
    [0.818, 0.45, 0.01, 0.01]
    """
    return max(1 / steps, 9 / (10 + t))
