"""A Markov chain: the next character depends only on the last few.

With the stationary distribution pi of the contexts c (Cover and Thomas 2006, theorem 4.2.4):

    H = - sum_c pi(c) sum_x P(x | c) log2 P(x | c)
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from charlm.base.errors import UsageError
from charlm.config import setting
from charlm.data.synthetic_source import LETTERS, Draws, Source

FLOOR = 0.03  # of each row is uniform: very rare symbols would cost many bits and teach nothing
MAX_PROBABILITIES = 1 << 20
STATIONARY = 1e-14  # largest change of a distribution that counts as stationary

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Markov(Source):
    """A Markov chain of any order, its rows drawn from a Dirichlet distribution."""

    order: int = setting(2, "Order: characters of context.", low=0, high=19)
    symbols: int = setting(4, "Number of letters.", low=2, high=len(LETTERS))
    concentration: float = setting(
        0.6, "Concentration of the Dirichlet distribution; small means uneven rows.", low=0.01, high=1000
    )
    chain_seed: int = setting(0, "Seed of the chain's probabilities.", low=0)

    def __post_init__(self) -> None:
        """Check the settings; UsageError if too large."""
        super().__post_init__()
        if self.symbols ** (self.order + 1) > MAX_PROBABILITIES:
            raise UsageError(
                f"--symbols {self.symbols} and --order {self.order} make more than {MAX_PROBABILITIES:,} "
                "probabilities: make one of the two smaller"
            )

    @cached_property
    def rows_CS(self) -> Probabilities:
        """P(x | c) (C, S); a context is a number to base S, oldest digit first."""
        rng = np.random.default_rng(self.chain_seed)
        drawn = rng.dirichlet(np.full(self.symbols, self.concentration), self.symbols**self.order)
        rows_CS: Probabilities = (1 - FLOOR) * drawn + FLOOR / self.symbols
        return rows_CS

    @cached_property
    def stationary_C(self) -> Probabilities:
        """The stationary distribution pi (C,)."""
        contexts = len(self.rows_CS)
        pi_C = np.full(contexts, 1 / contexts)
        while True:
            # Symbol x leads from context c to (c S + x) mod C, which drops the oldest symbol.
            following_C: Probabilities = (pi_C[:, None] * self.rows_CS).reshape(-1, contexts).sum(axis=0)
            following_C /= following_C.sum()
            if np.abs(following_C - pi_C).sum() < STATIONARY:
                return following_C
            pi_C = following_C

    @property
    def bits_per_char(self) -> float:
        """H, in bits."""
        bits_C = -(self.rows_CS * np.log2(self.rows_CS)).sum(axis=1)
        return float(self.stationary_C @ bits_C)

    def draws(self, rng: np.random.Generator) -> Draws:
        """Symbols of the chain."""
        # Lists and bisect are several times faster than NumPy for single numbers.
        rows, cumulative = self.rows_CS.tolist(), self.rows_CS.cumsum(axis=1)[:, :-1].tolist()
        contexts = len(rows)
        context = bisect(self.stationary_C.cumsum()[:-1].tolist(), rng.random())
        while True:
            symbol = bisect(cumulative[context], rng.random())
            yield LETTERS[symbol], rows[context][symbol]
            context = (context * self.symbols + symbol) % contexts
