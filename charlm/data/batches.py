"""The batches of truncated back-propagation through time.

A text is cut into chunks of at most ``seq_len`` targets, and gradients stay within a chunk (Werbos 1990,
"Backpropagation through time: what it does and how to do it"; Williams and Peng 1990, "An efficient
gradient-based algorithm for on-line training of recurrent network trajectories"). A partition says how:
sequentially, where the state is carried from a chunk to the next, always in the same way or in another one each
epoch, or at random, where each chunk starts from the initial state, which is zero or what ``--learned-state`` has
learned. In all, each character after the first is a target exactly once an epoch. Target i, from 0, is the
character at i + 1, and its input is the character at i. In a corpus of documents an end symbol comes before,
between and after them; wherever it is the input, the state is the initial one, so that documents know nothing of
one another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import TokenIds
from charlm.data.permutation import Integers, Permutation

WINDOWS_AT_ONCE = 4096  # whose lengths, or places in a random order, are computed together

BatchSpec: TypeAlias = Mapping[str, tuple[tuple[int, ...], npt.DTypeLike]]
"""The largest shape and the type of each field of a batch."""


@dataclass(frozen=True)
class Batch:
    """What a training step works on: named arrays, each with the batch axis last.

    A model says which fields it reads (``Model.batch_spec``). Those of a language model:

        x_TB            the inputs; 0 where there is no target
        y_TB            the targets: the character after each input; 0 where there is no target
        target_mask_TB  where there is a target; left out where that is everywhere
        carry_TB        False where the state before the input is the initial one: at the end symbol, and where a
                        sequence comes round to the text's beginning; left out where that is nowhere

    Attributes:
        fields: the arrays by name.
        num_targets: how many targets there are, at least 1.
        resets_state: whether the state before this batch is the initial one, not what the batch before left.
    """

    fields: Mapping[str, npt.NDArray[Any]]
    num_targets: int
    resets_state: bool

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.fields[name]

    def get(self, name: str) -> npt.NDArray[Any] | None:
        """A field, or None where it is left out."""
        return self.fields.get(name)

    @property
    def sizes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each field but for the batch axis."""
        return {name: values.shape[:-1] for name, values in self.fields.items()}


class Batcher(ABC):
    """A way of cutting codes into batches; the codes may be memory-mapped, for a batch reads only its own.

    Raises:
        ValueError: on construction, there are fewer than two codes, or a size is less than 1.
    """

    def __init__(
        self, ids: TokenIds, seq_len: int, batch_size: int, table: TokenIds | None = None, end: int | None = None
    ) -> None:
        """Cut codes into chunks.

        Args:
            ids: the text (N,).
            seq_len: time steps of a chunk.
            batch_size: chunks side by side.
            table: the model's code for each code of the text; None where they are the same.
            end: the model's code for the end of a document; None where the text is one piece.
        """
        if len(ids) < 2 or seq_len < 1 or batch_size < 1:
            raise ValueError(f"{len(ids)} codes cannot be cut into chunks of {seq_len} by {batch_size}")
        self._codes: TokenIds = np.asarray(ids)
        self._seq_len = seq_len
        self._batch_size = batch_size
        self._table = table
        self._end = end

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

    def _batch(self, starts_B: Integers, lengths_B: Integers, steps: int, resets_state: bool) -> Batch:
        """Gather the columns that start at these targets; a column longer than ``steps`` goes on later.

        Targets are counted round the text: after the last comes the first.
        """
        times_T1 = np.arange(steps)[:, np.newaxis]
        mask_TB = times_T1 < lengths_B
        places_TB = np.where(mask_TB, (starts_B + times_T1) % self.targets_per_epoch, 0)
        x_TB, y_TB = self._gather(places_TB), self._gather(places_TB + 1)
        fields: dict[str, npt.NDArray[Any]] = {"x_TB": x_TB, "y_TB": y_TB}
        carry_TB = self._carry(x_TB, mask_TB & (places_TB == 0), resets_state)
        if carry_TB is not None:
            fields["carry_TB"] = carry_TB
        if not mask_TB.all():
            fields["target_mask_TB"] = mask_TB
            x_TB[~mask_TB] = 0
            y_TB[~mask_TB] = 0
        return Batch(fields, int(mask_TB.sum()), resets_state)

    def _carry(
        self, x_TB: TokenIds, is_first_TB: npt.NDArray[np.bool_], resets_state: bool
    ) -> npt.NDArray[np.bool_] | None:
        """Where the state is carried, given where the text's first character is the input."""
        carry_TB = ~is_first_TB
        if self._end is not None:
            carry_TB &= x_TB != self._end
        # Where all streams start afresh, the first step's state is the initial one as it is.
        elif carry_TB[int(resets_state) :].all():
            return None
        return carry_TB

    def _gather(self, places_TB: Integers) -> TokenIds:
        ids_TB: TokenIds = self._codes[places_TB]
        return ids_TB if self._table is None else self._table[ids_TB]


class SequentialBatcher(Batcher):
    """The targets as B contiguous streams side by side; the state is carried from chunk to chunk.

    The streams' lengths differ by one at most, so only an epoch's last time step can be masked. The last
    chunk has the time steps that are left, which may be fewer than ``seq_len``.

    >>> ids = np.arange(10, dtype=np.uint8)
    >>> for batch in SequentialBatcher(ids, seq_len=3, batch_size=2).epoch(np.random.default_rng(0)):
    ...     print(batch["x_TB"].T.tolist(), batch["y_TB"].T.tolist(), batch.num_targets, batch.resets_state)
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
        places = range(start * self._seq_len, self._longest, self._seq_len)
        return self._windows(0, ((place, self._seq_len) for place in places))

    def _windows(self, offset: int, chunks: Iterable[tuple[int, int]]) -> Iterator[Batch]:
        """Cut the streams, the first of which starts at a target, into chunks of these places and lengths."""
        bounds = np.arange(self._batch_size + 1) * self.targets_per_epoch // self._batch_size
        starts_B, lengths_B = bounds[:-1] + offset, np.diff(bounds)
        for place, length in chunks:
            steps = min(length, self._longest - place)
            yield self._batch(starts_B + place, lengths_B - place, steps, resets_state=place == 0)


class VariableLengthBatcher(SequentialBatcher):
    """Streams as in the sequential partition, which every epoch begins elsewhere and cuts anew.

    An epoch draws at which target its first stream starts, with the others behind it round the text, and the
    length of every chunk, evenly from half of ``seq_len`` to all of it. So no character is always the first of
    its chunk, where the gradient cannot reach what came before (Merity et al. 2017, "Regularizing and optimizing
    LSTM language models", draw other lengths, and scale the learning rate by them, which is left alone here). The
    stream that comes to the text's end goes on at its beginning, from the initial state.
    """

    @property
    def batches_per_epoch(self) -> int:
        """The most batches that an epoch can have, all of them short."""
        return ceil(self._longest / self._shortest)

    @property
    def _shortest(self) -> int:
        return ceil(self._seq_len / 2)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from the ``start``-th on, as ``rng`` places and cuts them."""
        offset = int(rng.integers(self.targets_per_epoch))
        return self._windows(offset, self._window_lengths(rng, start))

    def _window_lengths(self, rng: np.random.Generator, start: int) -> Iterator[tuple[int, int]]:
        """Where in the streams the chunks from the ``start``-th on begin, and how long they are."""
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
    """Chunks at a random offset in a random order, B to a batch; every batch starts from the initial state.

    An epoch draws where its first chunk ends, after 1 to ``seq_len`` targets, and cuts there and at every
    ``seq_len`` targets after it; what is left at the end is a chunk too. Batches always have ``seq_len`` time
    steps and ``batch_size`` columns: what a short chunk or the last batch does not fill is masked. Some cuts
    make one chunk fewer than others, so an epoch may have one batch fewer than ``batches_per_epoch``. The order
    is computed as it is needed: nothing here grows with the text.
    """

    @property
    def batches_per_epoch(self) -> int:
        """The most batches that an epoch can have; where it cuts can make it one fewer."""
        # A first piece of one target leaves the most for whole chunks after it.
        chunks = 1 + ceil((self.targets_per_epoch - 1) / self._seq_len)
        return ceil(chunks / self._batch_size)

    def epoch(self, rng: np.random.Generator, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch from the ``start``-th on, as ``rng`` cuts and orders them."""
        seq_len, targets, width = self._seq_len, self.targets_per_epoch, self._batch_size
        first_end = int(rng.integers(1, seq_len + 1))
        chunks = 1 + ceil(max(targets - first_end, 0) / seq_len)
        order = Permutation(chunks, rng)
        at_once = width * ceil(WINDOWS_AT_ONCE / width)
        for first in range(start * width, chunks, at_once):
            places = order(np.arange(first, min(first + at_once, chunks)))
            ends = first_end + places * seq_len
            starts = np.maximum(ends - seq_len, 0)
            lengths = np.minimum(ends, targets) - starts
            for batch in range(0, len(places), width):
                columns = slice(batch, batch + width)
                unused = (0, max(0, batch + width - len(places)))
                yield self._batch(
                    np.pad(starts[columns], unused), np.pad(lengths[columns], unused), seq_len, True
                )


BATCHERS: dict[str, type[Batcher]] = {
    "sequential": SequentialBatcher,
    "varied": VariableLengthBatcher,
    "random": ShuffledBatcher,
}
"""The partitions by the value of the setting that chooses one."""
