"""Evolution strategies: a gradient from losses alone (Rechenberg 1973; Salimans et al. 2017)."""

from __future__ import annotations

import numpy as np

from charlm.base.arrays import Floats
from charlm.optim.rules.adam import Adam

PAIRS = 32
DEVIATION = 0.05


class ES(Adam):
    """g = sum over n pairs of (L(w + s e) - L(w - s e)) e / (2 n s), e standard normal, for Adam to follow.

    There are n = 32 antithetic pairs, and s = 0.05. The mean of g is the gradient of the loss under noise of
    deviation s in the weights.
    """

    population = 2 * PAIRS
    default_lr = 2e-2

    def candidates(self, w_P: Floats, slots: dict[str, Floats], rng: np.random.Generator) -> Floats:
        """Both ends of each pair (2 n, P): all w + s e, then all w - s e."""
        steps_KP = DEVIATION * rng.standard_normal((PAIRS, len(w_P)), np.float64)
        return np.concatenate([w_P + steps_KP, w_P - steps_KP]).astype(w_P.dtype)

    def learn(
        self,
        w_P: Floats,
        candidates_KP: Floats,
        loss: float,
        losses_K: Floats,
        slots: dict[str, Floats],
        g_P: Floats,
    ) -> None:
        """Write the estimated gradient."""
        steps_KP = candidates_KP[:PAIRS] - candidates_KP[PAIRS:]
        g_P[:] = (losses_K[:PAIRS] - losses_K[PAIRS:]) @ steps_KP / (4 * PAIRS * DEVIATION**2)
