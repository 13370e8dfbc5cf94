"""An n-gram model of a character from those on both of its sides, with Witten-Bell interpolation.

    P_k(x | c) = (n(c, x) + t(c) * P_{k-1}(x | c without the outermost character)) / (n(c) + t(c)).

Contexts have 0, 1, 2, ... characters, in turn on the left and on the right: (0, 0), (1, 0), (1, 1), (2, 1) and so
on. n counts occurrences, t the different characters in the context (Bell, Cleary & Witten 1990).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.models.ngram.counts import UNSEEN, Integers
from charlm.models.ngram.interpolated import Probabilities

ORDER = 6  # characters of context on both sides together
BLOCK = 4096  # characters whose distributions are held at once


@dataclass(frozen=True, eq=False)
class _Contexts:
    """The contexts of one size, of the text that was counted.

    Attributes:
        extensions: each one's shorter context * W + outermost character (C,), sorted.
        totals: how often each occurs (C,).
        starts: where its characters begin in the two below (C + 1,).
        symbols: the characters in it (P,).
        counts: how often each occurs there (P,).
    """

    extensions: Integers
    totals: Integers
    starts: Integers
    symbols: Integers
    counts: Integers

    def find(self, extensions_N: Integers) -> Integers:
        """The context of each extension (N,), or UNSEEN."""
        places = np.minimum(np.searchsorted(self.extensions, extensions_N), len(self.extensions) - 1)
        return np.where(self.extensions[places] == extensions_N, places, UNSEEN)

    def mix(self, contexts_N: Integers, p_NV: Probabilities) -> None:
        """Turn the distributions given shorter contexts into those given these, in place."""
        rows = np.flatnonzero(contexts_N != UNSEEN)
        own = contexts_N[rows]
        types, totals = np.diff(self.starts)[own], self.totals[own]
        p_NV[rows] *= (types / (totals + types))[:, None]
        stops = np.cumsum(types)
        pairs = np.repeat(self.starts[own] - (stops - types), types) + np.arange(types.sum())
        # Every pair of a row and a character is there once.
        p_NV[np.repeat(rows, types), self.symbols[pairs]] += self.counts[pairs] / np.repeat(totals + types, types)


class BothSides:
    """Counts of a text (N,) of ids below V; ``end`` ends a document, and no context sees beyond it.

    >>> model = BothSides(np.array([0, 1, 0, 1, 0], np.uint8), vocab_size=2, order=2)
    >>> model.predict(np.array([0, 1, 0], np.uint8), np.array([1])).round(3).tolist()
    [[0.063, 0.937]]
    """

    def __init__(self, ids: TokenIds, vocab_size: int, order: int = ORDER, end: int | None = None) -> None:
        self._vocab_size, self._end, self._order = vocab_size, end, order
        self._levels: list[_Contexts] = []
        contexts_N = np.zeros(len(ids), np.int64)
        for side_N in [np.zeros(len(ids), np.int64), *self._sides(ids)]:
            extensions, numbers_N, totals = np.unique(
                contexts_N * (vocab_size + 1) + side_N, return_inverse=True, return_counts=True
            )
            keys, counts = np.unique(numbers_N * vocab_size + ids, return_counts=True)
            starts = np.searchsorted(keys, np.arange(len(extensions) + 1) * vocab_size)
            self._levels.append(_Contexts(extensions, totals, starts, keys % vocab_size, counts))
            contexts_N = numbers_N

    def predict(self, ids: TokenIds, places: npt.NDArray[np.intp]) -> Probabilities:
        """The distributions of the characters at these places of a text (n, V), from those around them."""
        p_NV = np.full((len(places), self._vocab_size), 1 / self._vocab_size)
        contexts_N = np.zeros(len(places), np.int64)
        sides = [np.zeros(len(ids), np.int64), *self._sides(ids)]
        for level, side_N in zip(self._levels, sides, strict=True):
            contexts_N = level.find(contexts_N * (self._vocab_size + 1) + side_N[places])
            level.mix(contexts_N, p_NV)
        return p_NV

    def _sides(self, ids: TokenIds) -> Iterator[Integers]:
        """The character at distance 1, 2, ... on the left and on the right, in turn (N,); V beyond the text."""
        before, after = slice(None, -1), slice(1, None)
        sides = [np.asarray(ids, np.int64)] * 2
        for number in range(self._order):
            side = number % 2
            shifted_N = np.full(len(ids), self._vocab_size)
            source, target = (after, before) if side else (before, after)
            shifted_N[target] = sides[side][source]
            if self._end is not None and number > 1:
                shifted_N[sides[side] == self._end] = self._end
            sides[side] = shifted_N
            yield shifted_N
