"""A moving average of the parameters, kept beside any update rule, block by block while a block is in cache.

The mean of an optimiser's path lies closer to the minimum than its last point, which the gradients' noise moves
about (Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; Izmailov et al. 2018,
"Averaging weights leads to wider optima and better generalization", where it is the flat mean of the path's end).
"""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.base import Optimizer

AVERAGE = "average"


class Averaging(Optimizer):
    """An update rule that averages the parameters as well: a += rate * (w - a) after every update.

    The average is one more slot. It starts from the first parameters, and looks back on the last ninth of the
    updates until there are enough of them for its full length (see ``averaging_rate``).
    """

    def __init__(self, rule: Optimizer, steps: int) -> None:
        super().__init__(rule.weight_decay)
        self.slot_names = (*rule.slot_names, AVERAGE)
        self._rule = rule
        self._steps = steps

    def init(self, w_P: Floats) -> dict[str, Floats]:
        """New slots for a vector of parameters, whose average so far is itself."""
        return self._rule.init(w_P) | {AVERAGE: w_P.copy()}

    def _decay(self, w: Floats, g: Floats, lr: float) -> None:
        self._rule._decay(w, g, lr)

    def _update_block(
        self, w: Floats, g: Floats, slots: list[Floats], scratch: Floats, lr: float, t: int
    ) -> None:
        *slots, average = slots
        self._rule._update_block(w, g, slots, scratch, lr, t)
        np.subtract(w, average, out=scratch)
        scratch *= averaging_rate(self._steps, t)
        average += scratch


def averaging_rate(steps: int, t: int) -> float:
    """The weight of the newest parameters in their average after update t: 1/steps, or 9/(10 + t) while more.

    The early parameters are far from where training leads, so the average forgets them fast at first: its decay
    is min(1 - 1/steps, (1 + t)/(10 + t)). Its weights sum to one, so that it needs no other correction.

    >>> [round(averaging_rate(100, t), 3) for t in (1, 10, 890, 5000)]
    [0.818, 0.45, 0.01, 0.01]
    """
    return max(1 / steps, 9 / (10 + t))
