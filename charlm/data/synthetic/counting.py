r"""Counting, a^n b^n (Chomsky 1956; Gers and Schmidhuber 2001).

n is uniform on 1 to N, so a line has N + 2 characters on average:

    H = log2 N / (N + 2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from charlm.config import setting
from charlm.data.synthetic_source import Draws, Source


@dataclass(frozen=True)
class Counting(Source):
    """Lines of n times a and n times b: a model must count."""

    longest: int = setting(10, "Largest n; n is uniform from 1 to this.", low=1, high=1_000_000)

    @property
    def bits_per_char(self) -> float:
        """H, in bits."""
        return math.log2(self.longest) / (self.longest + 2)

    def draws(self, rng: np.random.Generator) -> Draws:
        """Lines of a and b."""
        while True:
            n = int(rng.integers(1, self.longest, endpoint=True))
            yield "a", 1.0
            for k in range(1, n):
                yield "a", (self.longest - k) / (self.longest - k + 1)
            yield "b", 1 / (self.longest - n + 1)
            for character in "b" * (n - 1) + "\n":
                yield character, 1.0
