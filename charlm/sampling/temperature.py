"""Temperature: how far the distribution is sharpened (below 1) or flattened (above 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.arrays import Floats
from charlm.config import setting
from charlm.sampling._base import Filter


@dataclass(frozen=True)
class Temperature(Filter):
    """Logits divided by a temperature (Ackley, Hinton & Sejnowski 1985); at 0 only the likeliest remains."""

    rank = 0
    temperature: float = setting(1.0, "Below 1 plays safe, above 1 takes risks; 0 is greedy.", low=0, high=1000)

    def apply(self, logits_BV: Floats) -> None:
        """Divide, or at 0 rule out all but the first of the likeliest."""
        if self.temperature == 1:
            return
        # Below its type's smallest normal number a temperature would be rounded, perhaps to zero.
        if self.temperature < np.finfo(logits_BV.dtype).tiny:
            best_B = logits_BV.argmax(axis=1)
            logits_BV[:] = -np.inf
            logits_BV[np.arange(len(best_B)), best_B] = 0
        else:
            # Shifted first, so that a tiny temperature sends the others to minus infinity and nothing to plus.
            logits_BV -= logits_BV.max(axis=1, keepdims=True)
            with np.errstate(over="ignore"):
                logits_BV /= self.temperature
