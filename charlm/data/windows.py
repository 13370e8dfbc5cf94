"""Windows of a text, for truncated back-propagation through time.

Gradients stay within a window of at most ``seq_len`` targets (Werbos 1990; Williams and Peng 1990).
Target i is character i + 1, and its input is character i.
The state is reset where the input is the end of a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from math import ceil
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.batches import Batch, Batches
from charlm.data.permutation import Integers, Permutation

WINDOWS_AT_ONCE = 4096  # windows whose lengths or random order are computed together


class Batcher(Batches):
    """Cuts ids into batches."""

    def __init__(
        self,
        ids: TokenIds,
        seq_len: int,
        batch_size: int,
        table: TokenIds | None = None,
        end: int | None = None,
        starts: tuple[Integers, TokenIds] | None = None,
    ) -> None:
        """Cut ids (N,); ``table`` maps them to the model's, where ``end`` ends a document.

        ``starts`` has the places of the ends (D + 1,), and the id that is read there before each document (D,).

        Raises:
            ValueError: there are fewer than two ids, or a size is less than 1.
        """
        if len(ids) < 2 or seq_len < 1 or batch_size < 1:
            raise ValueError(f"{len(ids)} ids cannot be cut into windows of {seq_len} by {batch_size}")
        self._ids: TokenIds = np.asarray(ids)
        self._count = len(ids) - 1
        self._seq_len = seq_len
        self._batch_size = batch_size
        self._table = table
        self._end = end
        self._starts = starts
        self._columns = slice(None)

    def of_columns(self, columns: slice) -> Self:
        """The same batches with some columns, whose text alone is read; the number of targets is that of all."""
        own = copy(self)
        own._columns = columns
        return own

    @property
    def targets_per_epoch(self) -> int:
        """The N-1 targets of an epoch."""
        return self._count

    @property
    def longest(self) -> int:
        """The length of a full window."""
        return self._seq_len

    @property
    def most_targets(self) -> int:
        """The targets of a batch of full windows."""
        return self._seq_len * self._batch_size

    def _batch(self, starts_B: Integers, lengths_B: Integers, steps: int, resets_state: bool) -> Batch:
        """Gather columns that start at these targets."""
        times_T1 = np.arange(steps)[:, np.newaxis]
        mask_TB = times_T1 < lengths_B
        num_targets = int(mask_TB.sum())
        starts_B, mask_TB = starts_B[self._columns], mask_TB[:, self._columns]
        places_TB = np.where(mask_TB, (starts_B + times_T1) % self._count, 0)
        x_TB, y_TB = self._gather(places_TB), self._gather(places_TB + 1)
        fields: dict[str, npt.NDArray[Any]] = {"x_TB": x_TB, "y_TB": y_TB}
        carry_TB = self._carry(x_TB, mask_TB & (places_TB == 0), resets_state)
        if carry_TB is not None:
            fields["carry_TB"] = carry_TB
        if not mask_TB.all():
            fields["target_mask_TB"] = mask_TB
            x_TB[~mask_TB] = 0
            y_TB[~mask_TB] = 0
        if self._starts is not None:
            fields["x_TB"] = self._start_documents(x_TB, places_TB, mask_TB)
        return Batch(fields, num_targets, resets_state)

    def _start_documents(self, x_TB: TokenIds, places_TB: Integers, mask_TB: npt.NDArray[np.bool_]) -> TokenIds:
        """Inputs with each document's own start symbol in the place of the end before it."""
        assert self._starts is not None
        ends, starts_D = self._starts
        is_start_TB = (x_TB == self._end) & mask_TB
        x_TB = x_TB.astype(np.result_type(x_TB, starts_D))
        x_TB[is_start_TB] = starts_D[np.searchsorted(ends, places_TB[is_start_TB])]
        return x_TB

    def _carry(
        self, x_TB: TokenIds, is_first_TB: npt.NDArray[np.bool_], resets_state: bool
    ) -> npt.NDArray[np.bool_] | None:
        """Where the state is carried."""
        carry_TB = ~is_first_TB
        if self._end is not None:
            carry_TB &= x_TB != self._end
        # If the whole batch starts from the initial state, its first step needs no mask.
        elif carry_TB[int(resets_state) :].all():
            return None
        return carry_TB

    def _gather(self, places_TB: Integers) -> TokenIds:
        ids_TB: TokenIds = self._ids[places_TB]
        return ids_TB if self._table is None else self._table[ids_TB]


class SequentialBatcher(Batcher):
    """The text as B contiguous sequences of about equal length, with the state carried.

    >>> ids = np.arange(10, dtype=np.uint8)
    >>> for batch in SequentialBatcher(ids, seq_len=3, batch_size=2).epoch(np.random.default_rng(0)):
    ...     print(batch["x_TB"].T.tolist(), batch["y_TB"].T.tolist(), batch.num_targets, batch.resets_state)
    [[0, 1, 2], [4, 5, 6]] [[1, 2, 3], [5, 6, 7]] 6 True
    [[3, 0], [7, 8]] [[4, 0], [8, 9]] 3 False
    """

    @property
    def batches_per_epoch(self) -> int:
        """The number of batches in every epoch."""
        return ceil(self._longest / self._seq_len)

    @property
    def _longest(self) -> int:
        return ceil(self._count / self._batch_size)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of every epoch."""
        places = range(start * self._seq_len, self._longest, self._seq_len)
        return self._windows(0, ((place, self._seq_len) for place in places))

    def _windows(self, offset: int, windows: Iterable[tuple[int, int]]) -> Iterator[Batch]:
        """Cut windows (place, length), from target ``offset`` on."""
        bounds = np.arange(self._batch_size + 1) * self._count // self._batch_size
        starts_B, lengths_B = bounds[:-1] + offset, np.diff(bounds)
        for place, length in windows:
            steps = min(length, self._longest - place)
            yield self._batch(starts_B + place, lengths_B - place, steps, resets_state=place == 0)


class VariableLengthBatcher(SequentialBatcher):
    """Sequential batches with a random start and random window lengths.

    Lengths are uniform from half of ``seq_len`` to all of it (after Merity et al. 2017, with other lengths).
    Sequences wrap around at the end of the text.
    """

    @property
    def batches_per_epoch(self) -> int:
        """The maximal number of batches in an epoch."""
        return ceil(self._longest / self._shortest)

    @property
    def _shortest(self) -> int:
        return ceil(self._seq_len / 2)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch ``start`` on."""
        offset = int(rng.integers(self._count))
        return self._windows(offset, self._window_lengths(rng, start))

    def _window_lengths(self, rng: np.random.Generator, start: int) -> Iterator[tuple[int, int]]:
        """Places and lengths, from window ``start`` on."""
        done = 0
        while done < self._longest:
            lengths = rng.integers(self._shortest, self._seq_len, WINDOWS_AT_ONCE, endpoint=True)
            ends = done + lengths.cumsum()
            for end, length in zip(ends[start:].tolist(), lengths[start:].tolist(), strict=True):
                if end - length < self._longest:
                    yield end - length, length
            start = max(start - WINDOWS_AT_ONCE, 0)
            done = int(ends[-1])


class ShuffledBatcher(Batcher):
    """Windows in random order, each from the initial state.

    Each epoch draws the length of its first window. All batches have the full shape.
    """

    @property
    def batches_per_epoch(self) -> int:
        """The maximal number of batches in an epoch."""
        # A first window of one target leaves the most targets for whole windows.
        windows = 1 + ceil((self._count - 1) / self._seq_len)
        return ceil(windows / self._batch_size)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch, from batch ``start`` on."""
        seq_len, targets, width = self._seq_len, self._count, self._batch_size
        first_end = int(rng.integers(1, seq_len + 1))
        windows = 1 + ceil(max(targets - first_end, 0) / seq_len)
        order = Permutation(windows, rng)
        at_once = width * ceil(WINDOWS_AT_ONCE / width)
        for first in range(start * width, windows, at_once):
            places = order(np.arange(first, min(first + at_once, windows)))
            ends = first_end + places * seq_len
            starts = np.maximum(ends - seq_len, 0)
            lengths = np.minimum(ends, targets) - starts
            for batch in range(0, len(places), width):
                columns = slice(batch, batch + width)
                unused = (0, max(0, batch + width - len(places)))
                starts_B, lengths_B = (np.pad(each[columns], unused) for each in (starts, lengths))
                yield self._batch(starts_B, lengths_B, seq_len, resets_state=True)


BATCHERS: dict[str, type[Batcher]] = {
    "sequential": SequentialBatcher,
    "varied": VariableLengthBatcher,
    "random": ShuffledBatcher,
}
"""Batchers by the value of ``--partition``."""
