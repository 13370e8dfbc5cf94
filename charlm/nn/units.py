"""The hidden units that one worker computes, and what it exchanges with the others within a step.

A network can be split by rows: each worker then owns the same slice of every layer's units, with all their gates,
for all sequences of the batch. Layers, cells and the output layer get the other workers' values from
``Units``. This class is for one worker with all units, so its methods return their input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats

if TYPE_CHECKING:
    from charlm.nn.buffers import Parameters


class Units:
    """All units of a layer.

    Attributes:
        hidden: H, the number of units of a layer.
        own: the slice of them that this worker computes.
    """

    def __init__(self, hidden: int) -> None:
        self.hidden = hidden
        self.own = slice(0, hidden)

    @property
    def width(self) -> int:
        """The number of own units."""
        return self.own.stop - self.own.start

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Floats:
        """A new array that all workers share; each writes its own units or rows."""
        return np.empty(shape, dtype)

    def reserve(self, seq_len: int, batch_size: int, gates: int, dtype: npt.DTypeLike) -> None:
        """Make room for what is gathered in windows of this size."""

    def synchronize(self) -> None:
        """Wait for all workers; then each can read what the others have written."""

    def gather(self, own_BX: Floats) -> Floats:
        """The values of all units, from one or several blocks of own units; valid until the second next call."""
        return own_BX

    def gather_rows(self, own_NX: Floats) -> Floats:
        """The same for rows, in the order of ``gather``; valid until the next call."""
        return own_NX

    def sum(self, *own_B: Floats) -> Sequence[Floats]:
        """The sums of all workers' values; new arrays."""
        return own_B

    def count(self, own: int) -> int:
        """The number of values for all units, from that for own units."""
        return own // self.width * self.hidden

    def transpose(self, W_HX: Floats) -> Floats:
        """``W_HX`` transposed (X, own units): gathered gradients of X times this are those of own units."""
        return W_HX.T

    def columns(self, W_HX: Floats) -> Floats:
        """The columns of own units, blocks (H, X / H, own units)."""
        return W_HX.reshape(*W_HX.shape[:-1], -1, self.hidden)[..., self.own]

    def rows(self, count: int) -> slice:
        """This worker's share of this number of rows."""
        return slice(0, count)

    def params(self, params: Parameters) -> Parameters:
        """A layer's parameters of own units; W_hh and an embedding stay whole."""
        return params

    def grads(self, grads: Parameters) -> Parameters:
        """Where to write the gradients of own units."""
        return grads

    def put(self, own: Parameters, grads: Parameters) -> None:
        """Move the gradients of own units to their places among all."""

    def rng(self, rng: np.random.Generator | None) -> np.random.Generator | None:
        """The generator of this worker's own draws; ``rng`` is the same for all workers."""
        return rng
