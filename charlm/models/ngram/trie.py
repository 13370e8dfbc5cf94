"""A modified Kneser-Ney model as a trie of its n-grams: it gives whole distributions, and can be stored.

A node is an n-gram, and the context of its children: the characters after it. Node 0 is the empty context. Nodes
are numbered by length, then by context, then by character, so the children of a node lie next to each other.
N-grams can be pruned: their probability goes to shorter contexts, as in KenLM (Heafield et al. 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds, id_dtype
from charlm.models.ngram.counts import UNSEEN, Integers, Level
from charlm.models.ngram.interpolated import Probabilities
from charlm.models.ngram.kneser_ney import KneserNey, discounts

Numbers = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, eq=False)
class NgramTrie:
    """The counts of a model with contexts of up to K characters: M n-grams, C of them contexts.

    A state is a row of contexts (K,), of 1 to K characters; UNSEEN where there is none.

    Attributes:
        vocab_size: V.
        symbols: the last character of each n-gram (M,); 0 for node 0.
        counts: how often each occurs, or in how many contexts, as Kneser-Ney counts (M,).
        totals: the sum of the counts in each context, before pruning (C,).
        children: the number of n-grams kept in each context (C,).
        discounts: of counts 0, 1, 2 and 3 or more, for each length of context (K + 1, 4).

    >>> from charlm.models.ngram.counts import count_levels
    >>> ids = np.array([0, 1, 0, 1, 0], np.uint8)
    >>> trie = NgramTrie.from_levels(count_levels(ids, vocab_size=2, order=1))
    >>> trie.probabilities(trie.follow(trie.begin(1), ids[:1])).round(4).tolist()
    [[0.25, 0.75]]
    """

    vocab_size: int
    symbols: TokenIds
    counts: Numbers
    totals: Numbers
    children: Numbers
    discounts: Probabilities

    @classmethod
    def from_levels(cls, levels: Sequence[Level], most: int | None = None) -> Self:
        """The model of a counted text, pruned to at most ``most`` n-grams."""
        model, vocab_size = KneserNey.from_levels(levels), levels[0].vocab_size
        symbols, counts = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
        totals, children, found = [], [], []
        is_context = np.ones(1, np.bool_)
        for order, (level, is_kept) in enumerate(zip(levels, kept_ngrams(levels, most), strict=True)):
            adjusted = model.adjusted_counts(order, is_longest=level is levels[-1])
            found.append(discounts(adjusted))
            symbols.append((level.keys % vocab_size)[is_kept])
            counts.append(adjusted[is_kept])
            totals.append(np.bincount(level.owners, adjusted, level.contexts)[is_context])
            children.append(np.bincount(level.owners[is_kept], minlength=level.contexts)[is_context])
            is_context = is_kept
        return cls(
            vocab_size,
            np.concatenate(symbols).astype(id_dtype(vocab_size)),
            np.concatenate(counts).astype(np.uint32),
            np.concatenate(totals).astype(np.uint32),
            np.concatenate(children).astype(id_dtype(vocab_size + 1)),
            np.array(found),
        )

    def __len__(self) -> int:
        return len(self.symbols) - 1

    @property
    def order(self) -> int:
        """K, the most characters of context."""
        return len(self.discounts) - 1

    def begin(self, batch_size: int) -> Integers:
        """The state before the first character (B, K)."""
        return np.full((batch_size, self.order), UNSEEN)

    def follow(self, contexts_BK: Integers, x_B: TokenIds) -> Integers:
        """The state after a character (B, K)."""
        return self._children_of(_with_empty(contexts_BK), x_B[:, None])

    def read(self, contexts_BK: Integers, x_TB: TokenIds, carry_TB: Floats | None = None) -> Integers:
        """The state after each character (T, B, K); ``carry_TB`` is 0 where a text restarts before one."""
        after_TBK = np.empty((*x_TB.shape, self.order), np.int64)
        before_TB = np.zeros(x_TB.shape, np.int64)
        for length in range(self.order):
            after_TBK[..., length] = self._children_of(before_TB, x_TB)
            before_TB = np.concatenate([contexts_BK[None, :, length], after_TBK[:-1, :, length]])
            if carry_TB is not None:
                before_TB[carry_TB == 0] = UNSEEN
        return after_TBK

    def probabilities(self, contexts_NK: Integers) -> Probabilities:
        """The distribution of the next character (N, V)."""
        weights_NK, unigram_weights_N = self._weights(contexts_NK)
        rows, vocab_size = len(contexts_NK), self.vocab_size
        sizes = self._sizes[contexts_NK].ravel()
        stops = np.cumsum(sizes)
        # The children of all contexts, one after the other, and the row of each.
        nodes = np.repeat(self._first[contexts_NK].ravel() - (stops - sizes), sizes) + np.arange(sizes.sum())
        starts_N = np.repeat(np.arange(rows) * vocab_size, sizes.reshape(rows, -1).sum(axis=1))
        own = self._own[nodes] * np.repeat(weights_NK.ravel(), sizes)
        p_NV: Probabilities = unigram_weights_N[:, None] * self._unigrams
        p_NV += np.bincount(starts_N + self.symbols[nodes], own, rows * vocab_size).reshape(rows, vocab_size)
        return p_NV

    def find_fault(self) -> str | None:
        """What makes the numbers of an untrusted file no model, or None."""
        left = self.discounts[:, 1:]
        if self.discounts[:, 0].any() or not ((left > 0) & (left <= [1, 2, 3])).all():
            return "a discount is not above 0, or larger than its count"
        sizes = level_sizes(self.children, self.order)
        if sum(sizes) != len(self.symbols) or sum(sizes[:-1]) != len(self.children):
            return "its n-grams do not form a tree"
        if self.symbols.max() >= self.vocab_size or (np.diff(self._keys) <= 0).any():
            return "a context's n-grams are not in the order of their characters"
        if (np.bincount(self._parents, self.counts[1:], len(self.totals)) > self.totals).any():
            return "a context occurs less often than what it is part of"
        return None

    def _children_of(self, contexts: Integers, symbols: TokenIds) -> Integers:
        """The n-gram of each context and character, or UNSEEN."""
        wanted = contexts * self.vocab_size + symbols
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where((contexts != UNSEEN) & (self._keys[places] == wanted), places, UNSEEN)

    def _weights(self, contexts_NK: Integers) -> tuple[Probabilities, Probabilities]:
        """The weights of the probabilities of each context (N, K), and of the empty one (N,)."""
        products_NK = np.cumprod(self._rest[contexts_NK][:, ::-1], axis=1, dtype=np.float64)[:, ::-1]
        weights_NK = np.ones(products_NK.shape)
        weights_NK[:, :-1] = products_NK[:, 1:]
        return weights_NK, products_NK[:, 0]

    # Each has one entry more, that of UNSEEN, which is -1: so arrays of contexts are indices without a mask.

    @cached_property
    def _sizes(self) -> Integers:
        return np.pad(self.children.astype(np.int64), (0, len(self.symbols) - len(self.children) + 1))

    @cached_property
    def _totals(self) -> Integers:
        return np.pad(self.totals.astype(np.int64), (0, len(self.symbols) - len(self.totals) + 1))

    @cached_property
    def _first(self) -> Integers:
        """The first child of each node (M + 1,)."""
        return 1 + np.cumsum(self._sizes) - self._sizes

    @cached_property
    def _parents(self) -> Integers:
        return np.repeat(np.arange(len(self.children)), self.children)

    @cached_property
    def _keys(self) -> Integers:
        """Each node's context * V + character (M,), sorted; node 0 has none."""
        return np.concatenate([[-1], self._parents * self.vocab_size + self.symbols[1:]])

    @cached_property
    def _own(self) -> Probabilities:
        """(count - discount) / total of each node (M + 1,)."""
        orders = np.repeat(np.arange(self.order + 1), level_sizes(self.children, self.order)[1:])
        counts = self.counts[1:].astype(np.int64)
        freed = counts - self.discounts[orders, np.minimum(counts, 3)]
        # The total is 0 for a context whose n-grams only begin the text.
        own = np.divide(freed, self._totals[self._parents], out=np.zeros(len(counts)), where=counts > 0)
        return np.concatenate([[0.0], own, [0.0]])

    @cached_property
    def _rest(self) -> Probabilities:
        """What each context leaves to shorter ones (M + 1,); all for one that is unseen."""
        own = np.bincount(self._parents, self._own[1:-1], len(self._sizes))
        return np.where(self._totals > 0, 1 - own, 1.0)

    @cached_property
    def _unigrams(self) -> Probabilities:
        """The distribution without context (V,), mixed with the uniform one."""
        nodes = slice(1, 1 + int(self.children[0]))
        p_V = np.full(self.vocab_size, self._rest[0] / self.vocab_size)
        p_V[self.symbols[nodes]] += self._own[nodes]
        return p_V


def level_sizes(children: Numbers, order: int) -> list[int]:
    """How many nodes have 0, 1, ... ``order`` + 1 characters."""
    sizes, start = [1], 0
    for _ in range(order + 1):
        stop = start + sizes[-1]
        sizes.append(int(children[start:stop].sum(dtype=np.int64)))
        start = stop
    return sizes


def kept_ngrams(levels: Sequence[Level], most: int | None) -> list[npt.NDArray[np.bool_]]:
    """Which n-grams stay (P,), for each length: the rarest of the longest go first, until ``most`` are left.

    A context occurs at least as often as what extends it, so what stays is still a trie.
    """
    least = [1] * len(levels)
    sizes = [len(level.keys) for level in levels]
    count = 1
    while most is not None and sum(sizes) > most and any(sizes[1:]):
        count += 1
        for order in reversed(range(1, len(levels))):
            least[order] = count
            sizes[order] = int((levels[order].counts >= count).sum())
            if sum(sizes) <= most:
                break
    return [level.counts >= each for level, each in zip(levels, least, strict=True)]


def _with_empty(contexts_BK: Integers) -> Integers:
    """The contexts of 0 to K - 1 characters, of those of 1 to K."""
    shorter_BK = np.zeros_like(contexts_BK)
    shorter_BK[:, 1:] = contexts_BK[:, :-1]
    return shorter_BK
