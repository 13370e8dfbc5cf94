"""Counting n-grams: which characters came after which contexts, for contexts of every length up to an order.

There are no dictionaries of strings. A context of k characters is the number of the pair (context of the k - 1
characters before its last, its last) among all such pairs, so that one sort of integers a level counts a text
of millions of characters in a second, in memory that is linear in the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes

Integers = npt.NDArray[np.int64]
UNSEEN = -1


@dataclass(frozen=True)
class Level:
    """What was counted after the contexts of one length.

    Attributes:
        contexts: C, how many contexts there are; they are numbered from 0.
        symbols: V.
        keys: context * V + character of every different pair (P,), sorted; a pair's number is its place.
        counts: how often each pair occurs (P,).
        shorter: the number that each pair has without its first character, one level down (P,).
    """

    contexts: int
    symbols: int
    keys: Integers
    counts: Integers
    shorter: Integers

    @property
    def owners(self) -> Integers:
        """The context of each pair (P,)."""
        return self.keys // self.symbols

    def find(self, contexts: Integers, characters: Integers) -> Integers:
        """The number of each pair of a context and a character, UNSEEN where it was not counted."""
        if not len(self.keys):
            return np.full(len(characters), UNSEEN)
        wanted = contexts * self.symbols + characters
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((contexts != UNSEEN) & (self.keys[places] == wanted), places, UNSEEN)


def count_levels(codes: Codes, symbols: int, order: int) -> list[Level]:
    """Count what follows contexts of 0 to ``order`` characters, a level each.

    Args:
        codes: the text (N,), at least one character.
        symbols: V, the size of the vocabulary.
        order: the longest context.

    >>> levels = count_levels(np.array([0, 1, 0, 1, 1], np.uint8), symbols=2, order=1)
    >>> [level.counts.tolist() for level in levels]
    [[2, 3], [2, 1, 1]]
    """
    characters = codes.astype(np.int64)
    contexts = pairs = np.zeros(len(characters), np.int64)
    count = 1
    levels = []
    for _ in range(order + 1):
        seen = contexts != UNSEEN
        keys, numbers, counts = np.unique(
            contexts[seen] * symbols + characters[seen], return_inverse=True, return_counts=True
        )
        shorter = np.empty(len(keys), np.int64)
        shorter[numbers] = pairs[seen]
        levels.append(Level(count, symbols, keys, counts, shorter))
        pairs = np.full(len(characters), UNSEEN, np.int64)
        pairs[seen] = numbers
        contexts, count = following(pairs), len(keys)
    return levels


def following(pairs: Integers) -> Integers:
    """The contexts of the next length: at each place, the pair that ended at the place before."""
    return np.concatenate([[np.int64(UNSEEN)], pairs])[:-1]
