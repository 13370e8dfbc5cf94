"""Min-p: only characters that are not too unlikely beside the likeliest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charlm.arrays import Floats
from charlm.config import setting
from charlm.sampling._base import Filter


@dataclass(frozen=True)
class MinP(Filter):
    """Keep what has at least min-p times the probability of the likeliest (Nguyen et al. 2024)."""

    rank = 3
    min_p: float | None = setting(
        None, "Draw among characters at least this share as likely as the likeliest only.", low=0, high=1
    )

    def apply(self, logits_BV: Floats) -> None:
        """Rule out what lies too far below the likeliest of its row."""
        if not self.min_p:
            return
        logits_BV[logits_BV < logits_BV.max(axis=1, keepdims=True) + math.log(self.min_p)] = -np.inf
