"""What interpolated n-gram models have in common, whatever smooths them.

The probability of a character x after a context c is what the counts give it, plus a share of what the context
that is one character shorter says:

    P_k(x | c) = own(c, x) + rest(c) * P_{k-1}(x | c without its first character),

down to P_0 over single characters, which falls back on the uniform distribution over the vocabulary. Own sums
with rest to 1 in every context that was seen; one that was not leaves the shorter one's answer. Order k means k
characters of context: order 1 is the first-order Markov assumption. No context reaches back over the start of a
document, which begins with the end of the one before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.models.ngram.counts import UNSEEN, Integers, Level, count_levels, following

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """How one level of contexts is mixed with the shorter ones.

    Attributes:
        own: what each pair of a context and a character has for itself (P,).
        rest: what each context leaves to the shorter one (C,).
    """

    own: Probabilities
    rest: Probabilities

    def mix(self, contexts: Integers, pairs: Integers, shorter: Probabilities) -> Probabilities:
        """The probability at each place (N,), from the numbers found there and the shorter context's answer."""
        mixed = shorter.copy()
        seen = contexts != UNSEEN
        mixed[seen] *= self.rest[contexts[seen]]
        counted = pairs != UNSEEN
        mixed[counted] += self.own[pairs[counted]]
        return mixed


class InterpolatedModel(ABC):
    """The counts of a training text, for contexts of 0 to ``order`` characters, and their smoothing."""

    def __init__(self, ids: TokenIds, symbols: int, order: int, end: int | None = None) -> None:
        """Count.

        Args:
            ids: the training text (N,), at least one character.
            symbols: V, the size of the vocabulary.
            order: the longest context, 0 or more.
            end: the code of the end of a document, over which no context reaches back; None where there is none.
        """
        self.levels: Sequence[Level] = count_levels(ids, symbols, order, end)
        self.end = end

    @classmethod
    def of_levels(cls, levels: Sequence[Level], end: int | None = None) -> Self:
        """The model of what has been counted, with the same ``end``."""
        model = cls.__new__(cls)
        model.levels, model.end = levels, end
        return model

    @abstractmethod
    def weights(self, order: int, is_longest: bool) -> Weights:
        """How the contexts of one length are mixed with shorter ones.

        Args:
            order: the length.
            is_longest: whether the model asks no longer contexts.
        """

    def costs(self, x_N: TokenIds, y_N: TokenIds) -> npt.NDArray[np.float64]:
        """What each character of a text costs given those before it (N,), in nats.

        Args:
            x_N: the characters read, one text from its start.
            y_N: the characters to predict, each the one after.
        """
        return self.costs_by_order(x_N, y_N)[-1]

    def costs_by_order(self, x_N: TokenIds, y_N: TokenIds) -> list[npt.NDArray[np.float64]]:
        """The same for the model of each order from 0, which costs no more than the longest alone."""
        return self.reader()(x_N, y_N)

    def reader(self) -> Callable[[TokenIds, TokenIds], list[npt.NDArray[np.float64]]]:
        """``costs_by_order`` for the stretches of one text, in order: a context goes on where one was cut."""
        before: TokenIds = np.zeros(0, np.uint8)

        def read(x_N: TokenIds, y_N: TokenIds) -> list[npt.NDArray[np.float64]]:
            nonlocal before
            ids = np.concatenate([before.astype(x_N.dtype), x_N[:1], y_N])
            start = len(before) + 1
            before = ids[:-1][-len(self.levels) :]
            return [costs[start:] for costs in self._costs_by_order(ids)]

        return read

    def _costs_by_order(self, ids: TokenIds) -> Iterator[npt.NDArray[np.float64]]:
        """What each character of a text costs (N,), by each order from 0."""
        shorter = np.full(len(ids), 1 / self.levels[0].symbols)
        contexts = np.zeros(len(ids), np.int64)
        for order, level in enumerate(self.levels):
            pairs = level.find(contexts, ids)
            yield -np.log(self.weights(order, is_longest=True).mix(contexts, pairs, shorter))
            if level is not self.levels[-1]:
                shorter = self.weights(order, is_longest=False).mix(contexts, pairs, shorter)
                contexts = following(pairs, ids, order, self.end)
