"""The batches of truncated back-propagation through time.

A text is cut into chunks of at most ``seq_len`` targets, and gradients stay within a chunk (Werbos 1990,
"Backpropagation through time: what it does and how to do it"; Williams and Peng 1990, "An efficient
gradient-based algorithm for on-line training of recurrent network trajectories"). A partition says how:
sequentially, where the state is carried from a chunk to the next, or at random, where each chunk starts from
zero. In both, each character after the first is a target exactly once an epoch. Target i, from 0, is the
character at i + 1, and its input is the character at i.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from charlm.arrays import Codes

_Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Batch:
    """One chunk of each of B streams.

    Attributes:
        x_TB: the inputs' codes; 0 where there is no target.
        y_TB: the targets' codes: the character after each input; 0 where there is no target.
        real_TB: where there is a target; None where that is everywhere.
        targets: how many targets there are, at least 1.
        fresh: the state is zero before this batch; otherwise it is the one that the batch before left.
    """

    x_TB: Codes
    y_TB: Codes
    real_TB: npt.NDArray[np.bool_] | None
    targets: int
    fresh: bool
    keep_TB: npt.NDArray[np.bool_] | None = None


class Partition(ABC):
    """A way of cutting codes into batches; the codes may be memory-mapped, for a batch reads only its own.

    Raises:
        ValueError: on construction, there are fewer than two codes, or a size is less than 1.
    """

    def __init__(self, codes: Codes, seq_len: int, batch_size: int) -> None:
        """Cut ``codes`` (N,) into chunks of ``seq_len`` time steps, ``batch_size`` of them side by side."""
        if len(codes) < 2 or seq_len < 1 or batch_size < 1:
            raise ValueError(f"{len(codes)} codes cannot be cut into chunks of {seq_len} by {batch_size}")
        self._codes: Codes = np.asarray(codes)
        self._seq_len = seq_len
        self._batch_size = batch_size

    @property
    def targets_per_epoch(self) -> int:
        """The targets of an epoch: the N-1 characters after the first."""
        return len(self._codes) - 1

    @property
    @abstractmethod
    def batches_per_epoch(self) -> int:
        """The most batches that an epoch can have."""

    @abstractmethod
    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, without the first ``start`` of them, which are skipped at no cost.

        Args:
            rng: draws the epoch's cuts and order, where they are random; the same state, the same epoch.
            start: how many batches to skip, as a resumed run does.
        """

    def _batch(self, starts_B: _Integers, lengths_B: _Integers, steps: int, fresh: bool) -> Batch:
        """Gather the columns that start at these targets; a column longer than ``steps`` goes on later."""
        times_T1 = np.arange(steps)[:, np.newaxis]
        real_TB = times_T1 < lengths_B
        places_TB = np.where(real_TB, starts_B + times_T1, 0)
        x_TB, y_TB = self._codes[places_TB], self._codes[places_TB + 1]
        if real_TB.all():
            return Batch(x_TB, y_TB, None, real_TB.size, fresh)
        x_TB[~real_TB] = 0
        y_TB[~real_TB] = 0
        return Batch(x_TB, y_TB, real_TB, int(real_TB.sum()), fresh)


class SequentialPartition(Partition):
    """The targets as B contiguous streams side by side; the state is carried from chunk to chunk.

    The streams' lengths differ by one at most, so only an epoch's last time step can be masked. The last
    chunk has the time steps that are left, which may be fewer than ``seq_len``.

    >>> codes = np.arange(10, dtype=np.uint8)
    >>> for batch in SequentialPartition(codes, seq_len=3, batch_size=2).epoch(np.random.default_rng(0)):
    ...     print(batch.x_TB.T.tolist(), batch.y_TB.T.tolist(), batch.targets, batch.fresh)
    [[0, 1, 2], [4, 5, 6]] [[1, 2, 3], [5, 6, 7]] 6 True
    [[3, 0], [7, 8]] [[4, 0], [8, 9]] 3 False
    """

    @property
    def batches_per_epoch(self) -> int:
        """The batches of every epoch."""
        return ceil(self._longest / self._seq_len)

    @property
    def _longest(self) -> int:
        return ceil(self.targets_per_epoch / self._batch_size)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from the ``start``-th on, always the same: ``rng`` is not used."""
        bounds = np.arange(self._batch_size + 1) * self.targets_per_epoch // self._batch_size
        starts_B, lengths_B = bounds[:-1], np.diff(bounds)
        for done in range(start * self._seq_len, self._longest, self._seq_len):
            steps = min(self._seq_len, self._longest - done)
            yield self._batch(starts_B + done, lengths_B - done, steps, fresh=done == 0)


class RandomPartition(Partition):
    """Chunks at a random offset in a random order, B to a batch; every batch starts from zero.

    An epoch draws its offset below ``seq_len`` and cuts there and at every ``seq_len`` targets after it; the
    piece before the offset and the one that is left at the end are chunks too. Batches always have
    ``seq_len`` time steps and ``batch_size`` columns: what a short chunk or the last batch does not fill is
    masked. Some offsets make one chunk fewer than others, so an epoch may have one batch fewer than
    ``batches_per_epoch``.
    """

    @property
    def batches_per_epoch(self) -> int:
        """The most batches that an epoch can have; the offset can make it one fewer."""
        # A first piece of one target leaves the most for whole chunks after it.
        chunks = 1 + ceil((self.targets_per_epoch - 1) / self._seq_len)
        return ceil(chunks / self._batch_size)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from the ``start``-th on, as ``rng`` cuts and orders them."""
        offset = rng.integers(self._seq_len)
        starts = np.union1d([0], np.arange(offset, self.targets_per_epoch, self._seq_len))
        lengths = np.diff(starts, append=self.targets_per_epoch)
        order = rng.permutation(len(starts))
        for first in range(start * self._batch_size, len(order), self._batch_size):
            chunks = order[first : first + self._batch_size]
            unused = (0, self._batch_size - len(chunks))
            starts_B, lengths_B = np.pad(starts[chunks], unused), np.pad(lengths[chunks], unused)
            yield self._batch(starts_B, lengths_B, self._seq_len, fresh=True)


PARTITIONS: dict[str, type[Partition]] = {"sequential": SequentialPartition, "random": RandomPartition}
"""The partitions by the value of the setting that chooses one."""
