"""Counting which characters follow which contexts.

A context's number is that of the pair (the context without its last character, that character).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds

Integers = npt.NDArray[np.int64]
UNSEEN = -1

BYTES_A_CHARACTER, BYTES_A_PAIR = 80, 25  # of memory: to count a level of the text; to keep a pair


@dataclass(frozen=True)
class Level:
    """The counts for contexts of one length.

    Attributes:
        contexts: C, their number.
        vocab_size: V.
        keys: context * V + character (P,), sorted.
        counts: how often each pair occurs (P,).
        shorter: the pair without its first character (P,).
        is_first: whether the context begins with a document's end (P,).
    """

    contexts: int
    vocab_size: int
    keys: Integers
    counts: Integers
    shorter: Integers
    is_first: npt.NDArray[np.bool_]

    @property
    def owners(self) -> Integers:
        """The context of each pair (P,)."""
        return self.keys // self.vocab_size

    def find(self, contexts: Integers, characters: Integers | TokenIds) -> Integers:
        """Each pair's number, or UNSEEN."""
        if not len(self.keys):
            return np.full(len(characters), UNSEEN)
        wanted = contexts * self.vocab_size + characters
        places = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((contexts != UNSEEN) & (self.keys[places] == wanted), places, UNSEEN)


def count_levels(ids: TokenIds, vocab_size: int, order: int, end: int | None = None) -> list[Level]:
    """Count what follows contexts of 0 to ``order`` characters; none extends past ``end``.

    >>> levels = count_levels(np.array([0, 1, 0, 1, 1], np.uint8), vocab_size=2, order=1)
    >>> [level.counts.tolist() for level in levels]
    [[2, 3], [2, 1, 1]]
    """
    contexts = pairs = np.zeros(len(ids), np.int64)
    count = 1
    levels: list[Level] = []
    for length in range(order + 1):
        seen = contexts != UNSEEN
        keys, numbers, counts = np.unique(
            contexts[seen] * vocab_size + ids[seen], return_inverse=True, return_counts=True
        )
        shorter, is_first = np.empty(len(keys), np.int64), np.zeros(len(keys), np.bool_)
        shorter[numbers] = pairs[seen]
        if length and end is not None:
            is_first[numbers] = ids[np.flatnonzero(seen) - length] == end
        levels.append(Level(count, vocab_size, keys, counts, shorter, is_first))
        pairs = np.full(len(ids), UNSEEN, np.int64)
        pairs[seen] = numbers
        contexts, count = next_contexts(pairs, ids, length, end), len(keys)
    return levels


def next_contexts(pairs: Integers, ids: TokenIds, length: int, end: int | None) -> Integers:
    """The contexts of length + 1 (N,)."""
    contexts = np.concatenate([[np.int64(UNSEEN)], pairs])[:-1]
    if length and end is not None:
        contexts[1:][ids[:-1] == end] = UNSEEN
    return contexts


def most_pairs(count: int, vocab_size: int, order: int) -> list[int]:
    """Each level's maximal number of pairs."""
    return [min(count, vocab_size ** (length + 1)) for length in range(order + 1)]


def expected_pairs(count: int, beginning: Sequence[Level]) -> list[int]:
    """An estimate of the same, from the text's beginning."""
    counted = int(beginning[0].counts.sum())
    return [
        min(count, beginning[0].vocab_size ** (length + 1), len(level.keys) * -(-count // counted))
        for length, level in enumerate(beginning)
    ]


def needed_bytes(count: int, pairs: Sequence[int]) -> int:
    """The memory for counting."""
    return BYTES_A_CHARACTER * count + BYTES_A_PAIR * sum(pairs)
