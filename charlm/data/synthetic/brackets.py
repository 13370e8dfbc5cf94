"""Nested brackets of k equally likely kinds, a Dyck language of bounded depth D.

The height h goes up with probability up(h):

    pi(h) up(h) = pi(h + 1) (1 - up(h + 1)),   up(0) = 1,  up(D) = 0,  up(h) = p between

With H2 the binary entropy,

    H = sum_h pi(h) (H2(up(h)) + up(h) log2 k)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charlm.config import setting
from charlm.data.synthetic_source import Draws, Source, entropy_bits

PAIRS = ("()", "[]", "{}", "<>")


@dataclass(frozen=True)
class Brackets(Source):
    """Nested brackets of several kinds: a model must remember what is open."""

    depth: int = setting(3, "Maximum nesting depth.", low=1, high=1000)
    kinds: int = setting(2, "Number of bracket types.", low=1, high=len(PAIRS))
    opening: float = setting(0.5, "Probability of an opening bracket, where both are allowed.", above=0, below=1)

    @property
    def _up(self) -> Sequence[float]:
        """up(h) for h from 0 to D."""
        return [1.0, *[self.opening] * (self.depth - 1), 0.0]

    @property
    def stationary(self) -> Sequence[float]:
        """pi(h) for h from 0 to D."""
        # Logarithms, because a ratio to the power of the depth may overflow.
        logs = [0.0]
        for here, above in zip(self._up, self._up[1:], strict=False):
            logs.append(logs[-1] + math.log(here) - math.log1p(-above))
        weights = [math.exp(log - max(logs)) for log in logs]
        return [weight / math.fsum(weights) for weight in weights]

    @property
    def bits_per_char(self) -> float:
        """H, in bits."""
        return math.fsum(
            share * (entropy_bits(up, 1 - up) + up * math.log2(self.kinds))
            for share, up in zip(self.stationary, self._up, strict=True)
        )

    def draws(self, rng: np.random.Generator) -> Draws:
        """Brackets, from an empty stack."""
        ups, stack = self._up, list[str]()
        while True:
            up = ups[len(stack)]
            if rng.random() < up:
                pair = PAIRS[int(rng.random() * self.kinds)]
                stack.append(pair[1])
                yield pair[0], up / self.kinds
            else:
                yield stack.pop(), 1 - up
