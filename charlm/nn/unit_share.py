"""One worker's share of the units, and its exchange with the other workers through shared arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats
from charlm.nn.buffers import Parameters
from charlm.nn.units import Units

# Not divided: W_hh, read by own columns in forward and by own rows in backward; an embedding, which has no units.
WHOLE = ("W_hh", "embedding")


class UnitShare(Units):
    """A contiguous share of the units.

    Gathered values have the order worker, block, unit. Two buffers alternate: when a worker writes to the first
    again, all have arrived at the barrier of the second, and so have read the first.
    """

    def __init__(
        self,
        hidden: int,
        number: int,
        workers: int,
        new_array: Callable[[tuple[int, ...], npt.DTypeLike], Floats],
        barrier: Callable[[], None],
    ) -> None:
        """The share of worker ``number``; ``new_array`` gives all workers the same memory."""
        super().__init__(hidden)
        self._cuts = [hidden * worker // workers for worker in range(workers + 1)]
        self.own = slice(*self._cuts[number : number + 2])
        self._number, self._workers = number, workers
        self._new_array, self._barrier = new_array, barrier
        self._turn = 0
        self._places: dict[int, list[tuple[Floats, Floats]]] = {}
        self._rng = np.random.default_rng(0)

    def begin(self, seed: int) -> None:
        """Start a step; this worker's own random numbers follow from the seed and its number."""
        self._turn = 0  # an interrupted step may have left the workers at different buffers
        self._rng = np.random.default_rng([seed, self._number])

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
        return self._new_array(shape, dtype)

    def reserve(self, seq_len: int, batch_size: int, gates: int, dtype: npt.DTypeLike) -> None:
        width = gates * self.hidden
        self._gathered = [self.empty((width, batch_size), dtype) for _ in range(2)]
        self._sums = [self.empty((self._workers, 2, batch_size), dtype) for _ in range(2)]
        self._rows = self.empty((seq_len * batch_size * width,), dtype)

    def synchronize(self) -> None:
        self._barrier()

    def gather(self, own_BX: Floats) -> Floats:
        self._turn = 1 - self._turn
        width = own_BX.shape[1]
        if width not in self._places:
            columns = self._columns_of(width)
            self._places[width] = [
                (memory_XB[columns].T, memory_XB[: self.count(width)].T) for memory_XB in self._gathered
            ]
        mine_BX, all_BX = self._places[width][self._turn]
        np.copyto(mine_BX, own_BX)
        self._barrier()
        return all_BX

    def gather_rows(self, own_NX: Floats) -> Floats:
        count, width = own_NX.shape
        all_NX = self._rows[: count * self.count(width)].reshape(count, -1)
        self._barrier()  # the others have read what was gathered before
        all_NX[:, self._columns_of(width)] = own_NX
        self._barrier()
        return all_NX

    def sum(self, *own_B: Floats) -> Sequence[Floats]:
        self._turn = 1 - self._turn
        sums_WSB = self._sums[self._turn][:, : len(own_B)]
        for place_B, values_B in zip(sums_WSB[self._number], own_B, strict=True):
            place_B[:] = values_B
        self._barrier()
        return [*sums_WSB.sum(axis=0)]

    def transpose(self, W_HX: Floats) -> Floats:
        blocks = W_HX[self.own].reshape(self.width, -1, self.hidden)
        gathered = np.empty((self.width, W_HX.shape[1]), W_HX.dtype)
        each = blocks.shape[1]
        for start, stop in pairwise(self._cuts):
            columns = gathered[:, each * start : each * stop]
            columns.reshape(self.width, each, -1)[:] = blocks[..., start:stop]
        return gathered.T

    def rows(self, count: int) -> slice:
        cuts = (count * (self._number + end) // self._workers for end in range(2))
        return slice(*cuts)

    def params(self, params: Parameters) -> Parameters:
        return {
            name: array if name in WHOLE else self.columns(array).reshape(*array.shape[:-1], -1)
            for name, array in params.items()
        }

    def grads(self, grads: Parameters) -> Parameters:
        return {
            name: array
            if name == "embedding"
            else np.empty(self.columns(array).shape, array.dtype).reshape(*array.shape[:-1], -1)
            for name, array in grads.items()
        }

    def put(self, own: Parameters, grads: Parameters) -> None:
        for name, array in grads.items():
            if name != "embedding":
                columns = self.columns(array)
                columns[:] = own[name].reshape(columns.shape)

    def rng(self, rng: np.random.Generator | None) -> np.random.Generator | None:
        return None if rng is None else self._rng

    def _columns_of(self, width: int) -> slice:
        """The columns of own units' blocks, ``width`` values in all, among those of all units."""
        each = width // self.width
        return slice(each * self.own.start, each * self.own.stop)
