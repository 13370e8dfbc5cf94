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


class LengthBatches(Batches):
    """Shuffled sequences, sorted by length within pools and cut into batches, which are shuffled too."""

    def __init__(self, sequences: Sequences, batch_size: int, make: Callable[[Integers, int], Batch]) -> None:
        """Cut sequences, at least one; ``make`` gives the batch of numbers (B,), -1 for none, and its steps."""
        self._sequences = sequences
        self._batch_size = batch_size
        self._make = make

    @property
    def targets_per_epoch(self) -> int:
        """The number of sequences."""
        return len(self._sequences)

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches in every epoch."""
        pools, rest = divmod(len(self._sequences), POOL * self._batch_size)
        return pools * POOL + -(-rest // self._batch_size)

    @property
    def longest(self) -> int:
        """The length of the longest sequence."""
        return int(self._sequences.lengths_D.max())

    @property
    def most_targets(self) -> int:
        """The batch size."""
        return self._batch_size

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch ``start`` on."""
        size, count = self._batch_size, len(self._sequences)
        order, done = Permutation(count, rng), 0
        for first in range(0, count, POOL * size):
            pool = order(np.arange(first, min(first + POOL * size, count)))
            pool = pool[np.argsort(self._sequences.lengths_D[pool], kind="stable")]
            for place in rng.permutation(-(-len(pool) // size)).tolist():
                done += 1
                if done > start:
                    yield self._batch(pool[place * size : (place + 1) * size])

    def in_order(self) -> Iterator[tuple[Integers, Batch]]:
        """All batches, the longest sequences first, each with its sequences' numbers."""
        order = np.argsort(-self._sequences.lengths_D, kind="stable")
        for first in range(0, len(order), self._batch_size):
            numbers = order[first : first + self._batch_size]
            yield numbers, self._batch(numbers)

    def _batch(self, numbers: Integers) -> Batch:
        steps = int(self._sequences.lengths_D[numbers].max())
        return self._make(np.pad(numbers, (0, self._batch_size - len(numbers)), constant_values=-1), steps)
