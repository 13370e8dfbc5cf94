"""Top-p, or nucleus sampling: only the likeliest characters that together reach a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.arrays import Floats
from charlm.config import setting
from charlm.sampling._base import Filter, probabilities


@dataclass(frozen=True)
class TopP(Filter):
    """Keep the smallest set of the likeliest whose probabilities sum to p or more (Holtzman et al. 2020)."""

    rank = 2
    top_p: float | None = setting(
        None, "Draw among the likeliest characters that sum to this probability only.", above=0, high=1
    )

    def apply(self, logits_BV: Floats) -> None:
        """Rule out what lies beyond the nucleus; the likeliest always stays."""
        if self.top_p is None:
            return
        p_BV = probabilities(logits_BV)
        order_BV = np.argsort(-p_BV, axis=1, kind="stable")
        sorted_BV = np.take_along_axis(p_BV, order_BV, axis=1)
        before_BV = np.cumsum(sorted_BV, axis=1) - sorted_BV
        outside_BV = np.zeros(p_BV.shape, dtype=bool)
        np.put_along_axis(outside_BV, order_BV, before_BV >= self.top_p, axis=1)
        logits_BV[outside_BV] = -np.inf
