"""The hidden units that one worker computes, and what it exchanges with the others within a step.

A network can be split by rows: each worker then owns the same slice of every layer's units, with all their gates,
for all sequences of the batch. Layers, cells and the output layer ask ``Units`` for what they need of others.
``Units`` itself is of a worker that has all units: it returns what it is given.
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
        """A new array that all workers see; each writes its own units or rows."""
        return np.empty(shape, dtype)

    def reserve(self, seq_len: int, batch_size: int, gates: int, dtype: npt.DTypeLike) -> None:
        """Make room for what is gathered in windows of this size."""

    def synchronize(self) -> None:
        """Wait until every worker is here: what each has written, all can read."""

    def gather(self, own_BX: Floats) -> Floats:
        """The values of all units, from one or several blocks of own units; valid until the next call but one."""
        return own_BX

    def gather_rows(self, own_NX: Floats) -> Floats:
        """The same of rows, in the order of ``gather``; valid until the next call."""
        return own_NX

    def sum(self, *own_B: Floats) -> Sequence[Floats]:
        """The sums of all workers' values; new arrays."""
        return own_B

    def count(self, own: int) -> int:
        """The number of values of all units, of so many of own units."""
        return own // self.width * self.hidden

    def transpose(self, W_HX: Floats) -> Floats:
        """The factor (X, own units) that takes gathered gradients of X back through ``W_HX``."""
        return W_HX.T

    def columns(self, W_HX: Floats) -> Floats:
        """The columns of own units, blocks (H, X / H, own units)."""
        return W_HX.reshape(*W_HX.shape[:-1], -1, self.hidden)[..., self.own]

    def rows(self, count: int) -> slice:
        """This worker's share of so many rows."""
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
        """The generator of what each worker draws for itself, where ``rng`` is the same for all."""
        return rng
