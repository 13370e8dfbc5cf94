"""The base class of interpolated n-gram models.

    P_k(x | c) = own(c, x) + rest(c) * P_{k-1}(x | c without its first character),

down to P_0 and the uniform distribution; own and rest sum to 1 in seen contexts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.models.ngram.counts import UNSEEN, Integers, Level, count_levels, next_contexts

Probabilities = npt.NDArray[np.float64]
Losses = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """How contexts are mixed with shorter ones: ``own`` (P,), ``rest`` (C,)."""

    own: Probabilities
    rest: Probabilities

    def mix(self, contexts: Integers, pairs: Integers, shorter: Probabilities) -> Probabilities:
        """The probability at each position (N,)."""
        mixed = shorter.copy()
        seen = contexts != UNSEEN
        mixed[seen] *= self.rest[contexts[seen]]
        counted = pairs != UNSEEN
        mixed[counted] += self.own[pairs[counted]]
        return mixed


class InterpolatedModel(ABC):
    """Smoothed n-gram counts, up to ``order``."""

    def __init__(self, ids: TokenIds, vocab_size: int, order: int, end: int | None = None) -> None:
        """Count a text (N,); no context extends past ``end``."""
        self.levels: Sequence[Level] = count_levels(ids, vocab_size, order, end)
        self.end = end

    @classmethod
    def from_levels(cls, levels: Sequence[Level], end: int | None = None) -> Self:
        """The model of a counted text."""
        model = cls.__new__(cls)
        model.levels, model.end = levels, end
        return model

    @abstractmethod
    def weights(self, order: int, is_longest: bool) -> Weights:
        """The weights of this length."""

    def nll(self, x_N: TokenIds, y_N: TokenIds) -> Losses:
        """Each target's negative log-likelihood (N,), in nats."""
        return self.reader()(x_N, y_N)[-1]

    def reader(self) -> Callable[[TokenIds, TokenIds], list[Losses]]:
        """``nll`` per order, for consecutive windows."""
        before: TokenIds = np.zeros(0, np.uint8)

        def read(x_N: TokenIds, y_N: TokenIds) -> list[Losses]:
            nonlocal before
            ids = np.concatenate([before.astype(x_N.dtype), x_N[:1], y_N])
            start = len(before) + 1
            before = ids[:-1][-len(self.levels) :]
            return [nll_N[start:] for nll_N in self._nll_by_order(ids)]

        return read

    def _nll_by_order(self, ids: TokenIds) -> Iterator[Losses]:
        """Negative log-likelihoods (N,), per order."""
        shorter = np.full(len(ids), 1 / self.levels[0].vocab_size)
        contexts = np.zeros(len(ids), np.int64)
        for order, level in enumerate(self.levels):
            pairs = level.find(contexts, ids)
            yield -np.log(self.weights(order, is_longest=True).mix(contexts, pairs, shorter))
            if level is not self.levels[-1]:
                shorter = self.weights(order, is_longest=False).mix(contexts, pairs, shorter)
                contexts = next_contexts(pairs, ids, order, self.end)
