"""Batches of whole sequences of about the same length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.batches import Batch, Batches
from charlm.data.permutation import Integers, Permutation

POOL = 50  # batches whose examples are sorted by length together
AT_ONCE = 256  # the largest batch outside training
_SIZES = ((64, AT_ONCE), (512, 32), (4096, 4), (math.inf, 1))  # (most steps, batch size)


class Sequences:
    """Sequences of ids, one after the other, in memory or memory-mapped.

    >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3]))
    >>> texts.pad_front(np.array([0, 1, -1]), steps=3).T.tolist()
    [[0, 0, 5], [0, 6, 7], [0, 0, 0]]
    """

    def __init__(
        self,
        ids: TokenIds,
        bounds_S1: Integers,
        numbers_D: Integers | None = None,
        table: TokenIds | None = None,
    ) -> None:
        """Take ids (N,), where each of S sequences begins and the last ends (S + 1,), and which these are.

        With a ``table``, an id stands for its entry, and one past the end for the last entry.
        """
        self._ids = ids
        self._bounds_S1 = bounds_S1
        self._numbers_D = numbers_D
        self._table = table

    def __len__(self) -> int:
        return len(self._bounds_S1) - 1 if self._numbers_D is None else len(self._numbers_D)

    def take(self, numbers_K: Integers) -> Sequences:
        """Some of the sequences, by their numbers.

        >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3])).take(np.array([1]))
        >>> texts.ids.tolist(), texts.lengths_D.tolist()
        ([6, 7], [2])
        """
        return Sequences(self._ids, self._bounds_S1, self._own(numbers_K), self._table)

    def through(self, table: TokenIds) -> Sequences:
        """The same sequences with each id's entry of a table in its place."""
        return Sequences(self._ids, self._bounds_S1, self._numbers_D, table)

    @property
    def ids(self) -> TokenIds:
        """The ids of all sequences, one after the other (N,)."""
        if self._numbers_D is None:
            return self._look_up(self._ids)
        lengths_D = self.lengths_D
        before_D = np.cumsum(lengths_D) - lengths_D
        places_N = np.repeat(self._bounds_S1[self._numbers_D] - before_D, lengths_D)
        return self._look_up(self._ids[places_N + np.arange(len(places_N))])

    @property
    def lengths_D(self) -> npt.NDArray[np.int64]:
        """The length of each sequence (D,)."""
        return np.diff(self._bounds_S1) if self._numbers_D is None else self.lengths_of(np.arange(len(self)))

    def lengths_of(self, numbers_B: Integers) -> npt.NDArray[np.int64]:
        """The lengths of sequences; 0 for the number -1, which is none."""
        own_B = self._own(numbers_B)
        return np.where(numbers_B < 0, 0, self._bounds_S1[own_B + 1] - self._bounds_S1[own_B]).astype(np.int64)

    def pad_front(self, numbers_B: Integers, steps: int) -> TokenIds:
        """Sequences that end together (T, B), with zeros in front."""
        places_TB = np.arange(steps)[:, None] - (steps - self.lengths_of(numbers_B))
        return self._gather(numbers_B, places_TB, places_TB >= 0, 0)

    def pad_behind(self, numbers_B: Integers, steps: int, padding: int) -> TokenIds:
        """Sequences that start together (T, B), with the id ``padding`` behind.

        >>> texts = Sequences(np.array([5, 6, 7], np.uint8), np.array([0, 1, 3]))
        >>> texts.pad_behind(np.array([0, 1, -1]), steps=3, padding=9).T.tolist()
        [[5, 9, 9], [6, 7, 9], [9, 9, 9]]
        """
        times_T1 = np.arange(steps)[:, None]
        is_own_TB = times_T1 < self.lengths_of(numbers_B)
        return self._gather(numbers_B, np.broadcast_to(times_T1, is_own_TB.shape), is_own_TB, padding)

    def _gather(
        self, numbers_B: Integers, places_TB: Integers, is_own_TB: npt.NDArray[np.bool_], padding: int
    ) -> TokenIds:
        """The ids at places of sequences, with padding where they have none."""
        if not is_own_TB.any():
            return np.full(is_own_TB.shape, padding, self._look_up(self._ids).dtype)
        starts_B = self._bounds_S1[self._own(numbers_B)]
        found_TB = self._look_up(self._ids[np.where(is_own_TB, starts_B + places_TB, 0)])
        found_TB[~is_own_TB] = padding
        return found_TB

    def _own(self, numbers_B: Integers) -> Integers:
        """Where sequences stand among all; any place for the number -1."""
        if self._numbers_D is not None:
            return self._numbers_D[numbers_B]
        return np.maximum(numbers_B, 0)

    def _look_up(self, ids: TokenIds) -> TokenIds:
        return ids if self._table is None else self._table[np.minimum(ids, len(self._table) - 1)]


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
        return int(self._steps_D.max())

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
                    yield self._batch(pool[place * size : (place + 1) * size], size)

    def in_order(self) -> Iterator[tuple[Integers, Batch]]:
        """All sequences, the longest first, in batches with the sequences' numbers; for use outside training.

        Batches of longer sequences are smaller, so that one long text does not multiply the memory.
        """
        steps_D = self._steps_D
        order, start, most = np.argsort(-steps_D, kind="stable"), 0, min(self._batch_size, len(steps_D))
        while start < len(order):
            size = min(most, next(size for steps, size in _SIZES if steps_D[order[start]] <= steps))
            numbers = order[start : start + size]
            yield numbers, self._batch(numbers, size)
            start += size

    def _sort(self, numbers: Integers) -> Integers:
        """The order of sequences by length."""
        lengths = [self._sequences.lengths_of(numbers)]
        if self._targets is not None:
            lengths.insert(0, self._targets.lengths_of(numbers))
        return np.lexsort(lengths)

    @property
    def _steps_D(self) -> npt.NDArray[np.int64]:
        """The time steps of each sequence, or of its target with the end if that is longer (D,)."""
        lengths_D = self._sequences.lengths_D
        return lengths_D if self._targets is None else np.maximum(lengths_D, self._targets.lengths_D + 1)

    def _batch(self, numbers: Integers, size: int) -> Batch:
        steps = int(self._sequences.lengths_of(numbers).max())
        return self._make(np.pad(numbers, (0, size - len(numbers)), constant_values=-1), steps)
