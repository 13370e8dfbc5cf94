"""Which n-grams of a text also stand in a long text, and the longest copied stretches with their places.

Hashes of n-grams (Karp & Rabin 1987) find candidates, which are compared character by character, so that no copy
is reported that is none. The long text is read block by block, for all n at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt

from charlm.base.progress import Progress
from charlm.data.alphabet import Points
from charlm.data.encoded import EncodedText
from charlm.engines.threads import ThreadPool

Marks = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Hashes = npt.NDArray[np.uint64]

BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
MIXER = np.uint64(0xD6E8FEB86659FD93)
BLOCK = 1 << 19  # characters of the long text that are hashed at once
FILTER_BITS = 23  # of a table of marks that excludes most n-grams before any search
SHIFTS = np.uint64(64 - FILTER_BITS), np.uint64(64 - 2 * FILTER_BITS)  # the bits of a hash that two tables are of
PLACES_EACH = 100  # of an n-gram in the long text that stretches are followed from
SEPARATOR = 0x110000  # stands between texts; no text has it


@dataclass(frozen=True)
class Stretch:
    """A copied stretch: its start in the text and in the long text, and its length."""

    start: int
    source: int
    length: int


def prefix_hashes(points_N: Points) -> Hashes:
    """Sums of the characters times rising powers of the base, modulo 2^64 (N + 1,)."""
    mixed_N = (points_N.astype(np.uint64) + np.uint64(1)) * MIXER
    mixed_N ^= mixed_N >> np.uint64(32)  # small numbers in a row would give sums with a pattern
    mixed_N *= _powers(BASE, len(points_N))
    return np.append(np.uint64(0), np.cumsum(mixed_N, dtype=np.uint64))


def ngram_hashes(prefix_N: Hashes, n: int) -> Hashes:
    """The hash of the n-gram that starts at each place, from prefix hashes; equal n-grams have equal hashes.

    >>> hashes = ngram_hashes(prefix_hashes(np.array([7, 8, 9, 7, 8], np.uint32)), 2)
    >>> bool(hashes[0] == hashes[3]), len(set(hashes.tolist()))
    (True, 3)
    """
    if n >= len(prefix_N):
        return np.empty(0, np.uint64)
    hashes_N: Hashes = prefix_N[n:] - prefix_N[:-n]
    hashes_N *= _powers(pow(BASE, -1, 1 << 64), len(hashes_N))
    return hashes_N


def _powers(base: int, count: int) -> Hashes:
    """base^0, base^1, ... modulo 2^64 (count,)."""
    return _many_powers(base, max(BLOCK * 2, 1 << count.bit_length()))[:count]


@cache
def _many_powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


class Search:
    """The n-grams of a text, and which of them stand in a source."""

    def __init__(self, text_N: Points, prefix_N: Hashes, n: int) -> None:
        self.n, self._text_N = n, text_N
        self._hashes_U, self._first_U, self.owner_N = np.unique(
            ngram_hashes(prefix_N, n), return_index=True, return_inverse=True
        )
        self._is_same_N = self._compare()
        self.found_U = np.zeros(len(self._hashes_U), np.bool_)
        self._filters = [np.zeros(1 << FILTER_BITS, np.bool_) for _ in SHIFTS]
        self._fill(self._hashes_U)

    @property
    def copied_N(self) -> Marks:
        """Whether the n-gram that starts at each place is copied (N - n + 1,)."""
        return self.found_U[self.owner_N] & self._is_same_N

    def _compare(self) -> Marks:
        """Whether each n-gram is the one that stands for its hash (N - n + 1,)."""
        places_N, firsts_N = np.arange(len(self.owner_N)), self._first_U[self.owner_N]
        is_same_N = np.ones(len(places_N), np.bool_)
        for offset in range(self.n):
            is_same_N &= self._text_N[places_N + offset] == self._text_N[firsts_N + offset]
        return is_same_N

    def _fill(self, hashes_U: Hashes) -> None:
        for table, shift in zip(self._filters, SHIFTS, strict=True):
            table[:] = False
            table[_slots(hashes_U, shift)] = True
        self._filled = len(hashes_U)

    def look(self, block_N: Points, prefix_N: Hashes) -> None:
        """Mark the n-grams that stand in a block."""
        _, owners = self._matches(block_N, prefix_N, ~self.found_U)
        self.found_U[owners] = True
        left = len(self.found_U) - int(self.found_U.sum())
        if left < 0.8 * self._filled:
            self._fill(self._hashes_U[~self.found_U])

    def refill(self) -> None:
        """Look for what was found, to get its places."""
        self._fill(self._hashes_U[self.found_U])

    def places(self, block_N: Points, prefix_N: Hashes) -> tuple[Places, Places]:
        """Where found n-grams stand in a block (K,), and which these are (K,)."""
        return self._matches(block_N, prefix_N, self.found_U)

    def _matches(self, block_N: Points, prefix_N: Hashes, is_wanted_U: Marks) -> tuple[Places, Places]:
        hashes_N = ngram_hashes(prefix_N, self.n)
        places = np.flatnonzero(self._filters[0][_slots(hashes_N, SHIFTS[0])])
        places = places[self._filters[1][_slots(hashes_N[places], SHIFTS[1])]]
        if not len(places) or not len(self._hashes_U):
            return places[:0], places[:0]
        owners = np.searchsorted(self._hashes_U, hashes_N[places])
        owners = np.minimum(owners, len(self._hashes_U) - 1)
        is_equal = (self._hashes_U[owners] == hashes_N[places]) & is_wanted_U[owners]
        places, owners = places[is_equal], owners[is_equal]
        for offset in range(self.n):
            is_equal = block_N[places + offset] == self._text_N[self._first_U[owners] + offset]
            if not is_equal.all():
                places, owners = places[is_equal], owners[is_equal]
        return places, owners


def _slots(hashes_N: Hashes, shift: np.uint64) -> npt.NDArray[np.intp]:
    """Each hash's place in a table of the filter."""
    return ((hashes_N >> shift) & np.uint64((1 << FILTER_BITS) - 1)).view(np.intp)


def find_copies(
    text_N: Points, source: EncodedText, sizes: Sequence[int], pool: ThreadPool, progress: Progress
) -> list[Search]:
    """Search a source for the n-grams of a text, for each n."""
    prefix_N = prefix_hashes(text_N)
    searches = [Search(text_N, prefix_N, n) for n in sizes]
    for start, block_N in _blocks(source, max(sizes)):
        progress(start, len(source))
        block_prefix_N = prefix_hashes(block_N)
        pool.run([partial(search.look, block_N, block_prefix_N) for search in searches])
    return searches


def _blocks(source: EncodedText, longest: int) -> Iterator[tuple[int, Points]]:
    """Blocks of a text with their starts, each with the beginning of the next."""
    points_A, ids = source.alphabet.points_A, source.ids
    for start in range(0, len(ids), BLOCK):
        yield start, points_A[ids[start : start + BLOCK + longest - 1]]


def find_stretches(search: Search, source: EncodedText, progress: Progress) -> tuple[list[Stretch], bool]:
    """The maximal copied stretches of n characters or more, the longest first, and whether those are all."""
    search.refill()
    taken_U = np.zeros(len(search.found_U), np.int64)
    parts, is_complete = [], True
    for start, block_N in _blocks(source, search.n):
        progress(start, len(source))
        places, owners = search.places(block_N, prefix_hashes(block_N))
        is_open = taken_U[owners] < PLACES_EACH
        is_complete &= bool(is_open.all())
        np.add.at(taken_U, owners, 1)
        parts.append(np.stack([places[is_open] + start, owners[is_open]]))
    sources, owners = np.concatenate(parts, axis=1)
    # Each place in the source meets every place of the text that has the n-gram.
    copied_N = np.flatnonzero(search.copied_N)
    owner_N = search.owner_N[copied_N]
    order_N = copied_N[np.argsort(owner_N, kind="stable")]
    counts_U = np.bincount(owner_N, minlength=len(search.found_U))
    firsts_U = np.cumsum(counts_U) - counts_U
    repeats = np.minimum(counts_U[owners], PLACES_EACH)
    is_complete &= bool((repeats == counts_U[owners]).all())
    steps = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    starts = order_N[np.repeat(firsts_U[owners], repeats) + steps]
    return _merged(starts, np.repeat(sources, repeats), search.n), is_complete


def _merged(starts: Places, sources: Places, n: int) -> list[Stretch]:
    """Copied n-grams that follow each other in both texts, as one stretch each, the longest first."""
    if not len(starts):
        return []
    order = np.lexsort((starts, sources - starts))
    starts, sources = starts[order], sources[order]
    is_new = np.append(True, (np.diff(starts) != 1) | (np.diff(sources) != 1))
    firsts = np.flatnonzero(is_new)
    lengths = np.diff(np.append(firsts, len(starts))) + n - 1
    ranked = firsts[np.argsort(-lengths, kind="stable")], np.sort(-lengths, kind="stable")
    return [
        Stretch(int(starts[first]), int(sources[first]), -int(length))
        for first, length in zip(*ranked, strict=True)
    ]


def without_overlap(stretches: Sequence[Stretch], most: int) -> list[Stretch]:
    """The first stretches that share no place of the text.

    >>> without_overlap([Stretch(0, 9, 5), Stretch(4, 2, 3), Stretch(5, 5, 3)], 3)
    [Stretch(start=0, source=9, length=5), Stretch(start=5, source=5, length=3)]
    """
    kept: list[Stretch] = []
    for each in stretches:
        if len(kept) == most:
            break
        if all(each.start + each.length <= own.start or own.start + own.length <= each.start for own in kept):
            kept.append(each)
    return kept
