"""Counting n-grams: which characters came after which contexts, for contexts of every length up to an order.

There are no dictionaries of strings. A context of k characters is the number of the pair (context of the k - 1
characters before its last, its last) among all such pairs, so that one sort of integers a level counts a text
of millions of characters in a second, in memory that is linear in the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds

Integers = npt.NDArray[np.int64]
UNSEEN = -1

BYTES_A_CHARACTER, BYTES_A_PAIR = 80, 25
"""Of memory: for what is sorted while a level is counted, and for what is kept of one."""


@dataclass(frozen=True)
class Level:
    """What was counted after the contexts of one length.

    Attributes:
        contexts: C, how many contexts there are; they are numbered from 0.
        symbols: V.
        keys: context * V + character of every different pair (P,), sorted; a pair's number is its place.
        counts: how often each pair occurs (P,).
        shorter: the number that each pair has without its first character, one level down (P,).
        is_first: whether a pair's context begins with the end of the document before, so that nothing can come
            before it (P,).
    """

    contexts: int
    symbols: int
    keys: Integers
    counts: Integers
    shorter: Integers
    is_first: npt.NDArray[np.bool_]

    @property
    def owners(self) -> Integers:
        """The context of each pair (P,)."""
        return self.keys // self.symbols

    def find(self, contexts: Integers, characters: Integers | TokenIds) -> Integers:
        """The number of each pair of a context and a character, UNSEEN where it was not counted."""
        if not len(self.keys):
            return np.full(len(characters), UNSEEN)
        wanted = contexts * self.symbols + characters
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((contexts != UNSEEN) & (self.keys[places] == wanted), places, UNSEEN)


def count_levels(ids: TokenIds, symbols: int, order: int, end: int | None = None) -> list[Level]:
    """Count what follows contexts of 0 to ``order`` characters, a level each.

    Args:
        ids: the text (N,), at least one character.
        symbols: V, the size of the vocabulary.
        order: the longest context.
        end: the code of the end of a document, over which no context reaches back; None where there is none.

    >>> levels = count_levels(np.array([0, 1, 0, 1, 1], np.uint8), symbols=2, order=1)
    >>> [level.counts.tolist() for level in levels]
    [[2, 3], [2, 1, 1]]
    """
    contexts = pairs = np.zeros(len(ids), np.int64)
    count = 1
    levels: list[Level] = []
    for length in range(order + 1):
        seen = contexts != UNSEEN
        keys, numbers, counts = np.unique(
            contexts[seen] * symbols + ids[seen], return_inverse=True, return_counts=True
        )
        shorter, is_first = np.empty(len(keys), np.int64), np.zeros(len(keys), np.bool_)
        shorter[numbers] = pairs[seen]
        if length and end is not None:
            is_first[numbers] = ids[np.flatnonzero(seen) - length] == end
        levels.append(Level(count, symbols, keys, counts, shorter, is_first))
        pairs = np.full(len(ids), UNSEEN, np.int64)
        pairs[seen] = numbers
        contexts, count = following(pairs, ids, length, end), len(keys)
    return levels


def following(pairs: Integers, ids: TokenIds, length: int, end: int | None) -> Integers:
    """The contexts of the next length: at each place, the pair that ended at the place before.

    Args:
        pairs: of a context and a character, at each place (N,).
        ids: the characters (N,).
        length: of those contexts.
        end: the code of the end of a document, which can only be a context's first character.
    """
    contexts = np.concatenate([[np.int64(UNSEEN)], pairs])[:-1]
    if length and end is not None:
        contexts[1:][ids[:-1] == end] = UNSEEN
    return contexts


def most_pairs(count: int, symbols: int, order: int) -> list[int]:
    """How many different pairs each level of a text of so many characters has at the most."""
    return [min(count, symbols ** (length + 1)) for length in range(order + 1)]


def expected_pairs(count: int, beginning: Sequence[Level]) -> list[int]:
    """The same as far as the levels of the text's beginning tell: there, new pairs are the most frequent."""
    counted = int(beginning[0].counts.sum())
    return [
        min(count, beginning[0].symbols ** (length + 1), len(level.keys) * -(-count // counted))
        for length, level in enumerate(beginning)
    ]


def needed_bytes(count: int, pairs: Sequence[int]) -> int:
    """The memory that counting a text of so many characters takes, with so many pairs a level."""
    return BYTES_A_CHARACTER * count + BYTES_A_PAIR * sum(pairs)
