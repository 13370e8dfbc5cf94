r"""Counting, a^n b^n: a line of n times a and n times b, for which a model must count.

n is uniform on 1 to N, and all else is determined, so a line costs log2 N bits. A line has 2 n + 1 characters,
N + 2 on average:

    H = log2 N / (N + 2)

by the renewal theorem. After k times a another follows with probability (N - k) / (N - k + 1), and each b is
certain (Chomsky 1956; learned by an LSTM: Gers and Schmidhuber 2001, "LSTM recurrent networks learn simple
context-free and context-sensitive languages").
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

    longest: int = setting(
        10, "The most that n can be; it is each of 1 to this equally often.", low=1, high=1_000_000
    )

    @property
    def bits_per_char(self) -> float:
        """See the module's docstring."""
        return math.log2(self.longest) / (self.longest + 2)

    def draws(self, rng: np.random.Generator) -> Draws:
        """See Source.draws."""
        while True:
            n = int(rng.integers(1, self.longest, endpoint=True))
            yield "a", 1.0
            for k in range(1, n):
                yield "a", (self.longest - k) / (self.longest - k + 1)
            yield "b", 1 / (self.longest - n + 1)
            for character in "b" * (n - 1) + "\n":
                yield character, 1.0
