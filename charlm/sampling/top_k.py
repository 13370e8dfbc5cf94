"""Top-k: only the k likeliest characters can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from charlm.arrays import Floats
from charlm.config import setting
from charlm.sampling._base import Filter


@dataclass(frozen=True)
class TopK(Filter):
    """Keep the k likeliest (Fan, Lewis & Dauphin 2018); of equals at the border, the first in the vocabulary."""

    rank = 1
    top_k: int | None = setting(None, "Draw among the K likeliest characters only.", low=1)

    def apply(self, logits_BV: Floats) -> None:
        """Rule out what is not among the k likeliest of its row."""
        if self.top_k is None or self.top_k >= logits_BV.shape[1]:
            return
        order_BV = np.argsort(-logits_BV, axis=1, kind="stable")
        np.put_along_axis(logits_BV, order_BV[:, self.top_k :], -np.inf, axis=1)
