"""Batches of whole sequences of about the same length."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.batches import Batch, Batches
from charlm.data.permutation import Integers, Permutation

POOL = 50  # batches whose examples are sorted by length together


class Sequences:
    """Sequences of ids, one after the other.

    >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3]))
    >>> texts.pad_front(np.array([0, 1, -1]), steps=3).T.tolist()
    [[0, 0, 5], [0, 6, 7], [0, 0, 0]]
    """

    def __init__(self, ids: TokenIds, bounds_D1: Integers) -> None:
        """Take ids (N,), and where each of D sequences begins and the last ends (D + 1,)."""
        self.ids = ids
        self.starts_D = bounds_D1[:-1]
        self.lengths_D = np.diff(bounds_D1)

    def __len__(self) -> int:
        return len(self.lengths_D)

    def take(self, numbers_K: Integers) -> Sequences:
        """Some of the sequences, by their numbers.

        >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3])).take(np.array([1]))
        >>> texts.ids.tolist(), texts.lengths_D.tolist()
        ([6, 7], [2])
        """
        starts_K, lengths_K = self.starts_D[numbers_K], self.lengths_D[numbers_K]
        bounds_K1 = np.concatenate([[0], np.cumsum(lengths_K)])
        places_N = np.repeat(starts_K - bounds_K1[:-1], lengths_K) + np.arange(bounds_K1[-1])
        return Sequences(self.ids[places_N], bounds_K1)

    def lengths_of(self, numbers_B: Integers) -> npt.NDArray[np.int64]:
        """The lengths of sequences; 0 for the number -1, which is none."""
        return np.where(numbers_B < 0, 0, self.lengths_D[numbers_B]).astype(np.int64)

    def pad_front(self, numbers_B: Integers, steps: int) -> TokenIds:
        """Sequences that end together (T, B), with zeros in front."""
        places_TB = np.arange(steps)[:, None] - (steps - self.lengths_of(numbers_B))
        is_own_TB = places_TB >= 0
        x_TB: TokenIds = self.ids[np.where(is_own_TB, self.starts_D[numbers_B] + places_TB, 0)]
        x_TB[~is_own_TB] = 0
        return x_TB

    def pad_behind(self, numbers_B: Integers, steps: int, padding: int) -> TokenIds:
        """Sequences that start together (T, B), with the id ``padding`` behind.

        >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3]))
        >>> texts.pad_behind(np.array([0, 1, -1]), steps=3, padding=9).T.tolist()
        [[5, 9, 9], [6, 7, 9], [9, 9, 9]]
        """
        times_T1 = np.arange(steps)[:, None]
        is_own_TB = times_T1 < self.lengths_of(numbers_B)
        y_TB: TokenIds = self.ids[np.where(is_own_TB, self.starts_D[numbers_B] + times_T1, 0)]
        y_TB[~is_own_TB] = padding
        return y_TB


class LengthBatches(Batches):
    """Shuffled sequences, sorted by length within pools and cut into batches, which are shuffled too."""

    def __init__(
        self,
        sequences: Sequences,
        batch_size: int,
        make: Callable[[Integers, int], Batch],
        targets: Sequences | None = None,
    ) -> None:
        """Cut sequences, at least one; ``make`` gives the batch of numbers (B,), -1 for none, and its steps.

        Sequences of one length are sorted by that of their ``targets``, which have an end symbol each.
        """
        self._sequences = sequences
        self._batch_size = batch_size
        self._make = make
        self._targets = targets

    @property
    def targets_per_epoch(self) -> int:
        """The number of sequences, or of the symbols of their targets."""
        if self._targets is None:
            return len(self._sequences)
        return len(self._targets) + int(self._targets.lengths_D.sum())

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches in every epoch."""
        pools, rest = divmod(len(self._sequences), POOL * self._batch_size)
        return pools * POOL + -(-rest // self._batch_size)

    @property
    def longest(self) -> int:
        """The length of the longest sequence or target."""
        longest = int(self._sequences.lengths_D.max())
        return longest if self._targets is None else max(longest, 1 + int(self._targets.lengths_D.max()))

    @property
    def most_targets(self) -> int:
        """The batch size, times the longest target."""
        return self._batch_size * (1 if self._targets is None else 1 + int(self._targets.lengths_D.max()))

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch ``start`` on."""
        size, count = self._batch_size, len(self._sequences)
        order, done = Permutation(count, rng), 0
        for first in range(0, count, POOL * size):
            pool = order(np.arange(first, min(first + POOL * size, count)))
            pool = pool[self._sort(pool)]
            for place in rng.permutation(-(-len(pool) // size)).tolist():
                done += 1
                if done > start:
                    yield self._batch(pool[place * size : (place + 1) * size])

    def in_order(self) -> Iterator[tuple[Integers, Batch]]:
        """All batches, the longest sequences first, each with its sequences' numbers."""
        order = self._sort(np.arange(len(self._sequences)))[::-1]
        for first in range(0, len(order), self._batch_size):
            numbers = order[first : first + self._batch_size]
            yield numbers, self._batch(numbers)

    def _sort(self, numbers: Integers) -> Integers:
        """The order of sequences by length."""
        lengths = [self._sequences.lengths_D[numbers]]
        if self._targets is not None:
            lengths.insert(0, self._targets.lengths_D[numbers])
        return np.lexsort(lengths)

    def _batch(self, numbers: Integers) -> Batch:
        steps = int(self._sequences.lengths_D[numbers].max())
        return self._make(np.pad(numbers, (0, self._batch_size - len(numbers)), constant_values=-1), steps)
