"""The NumPy network for inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.base import Network, Outputs
from charlm.engines.threads import ThreadPool
from charlm.models.char_rnn import Model
from charlm.nn.buffers import Parameters, flatten_time
from charlm.nn.readout import log_softmax_, logits, nll_nats
from charlm.nn.stack import StackBuffers
from charlm.nn.state import States, join_states, select_columns

Run: TypeAlias = Callable[[Sequence[Callable[[], Floats]]], list[Floats]]


def open_network(model: Model, pool: ThreadPool | None = None) -> Network:
    """A network for a model; without a pool, in the calling thread."""
    return NumpyNetwork(model, pool)


@dataclass
class _Part:
    """One thread's columns, with their state and buffers."""

    columns: slice
    state: States
    buffers: StackBuffers | None = None


class NumpyNetwork(Network):
    """A network whose threads share the weights."""

    def __init__(self, model: Model, pool: ThreadPool | None) -> None:
        self._model, self._pool = model, pool
        self._parts: list[_Part] = []
        self._seq_len = 0

    def begin(self, batch_size: int) -> None:
        """Start sequences."""
        self.state = self._model.initial_state(batch_size)

    @property
    def state(self) -> States:
        """For each layer its variables (B, H)."""
        return join_states(tuple(part.state for part in self._parts))

    @state.setter
    def state(self, state: States) -> None:
        batch_size = len(state[0][0])
        columns = [slice(0, batch_size)] if self._pool is None else self._pool.columns(batch_size)
        if columns != [part.columns for part in self._parts]:
            self._parts, self._seq_len = [_Part(each, state) for each in columns], 0
        for part in self._parts:
            part.state = select_columns(state, part.columns)

    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> NumpyOutputs:
        """Read a window."""
        if len(x_TB) > self._seq_len:
            self._seq_len = len(x_TB)
            for part in self._parts:
                part.buffers = None  # not held while new ones are allocated
                part.buffers = self._model.buffers(len(x_TB), part.columns.stop - part.columns.start)

        def forward(part: _Part) -> Floats:
            assert part.buffers is not None
            carry = None if carry_TB is None else carry_TB[:, part.columns]
            h_TBH, part.state = self._model.forward(x_TB[:, part.columns], part.state, part.buffers, carry)
            return h_TBH

        hidden = self._run([partial(forward, part) for part in self._parts])
        return NumpyOutputs(self._model.params, [part.columns for part in self._parts], hidden, self._run)

    @np.errstate(over="ignore", invalid="ignore")  # the results are checked to be finite
    def step(self, x_B: TokenIds) -> Floats:
        """Read one character of each sequence."""
        if len(self._parts) > 1:
            self._parts = [_Part(slice(0, len(x_B)), self.state)]  # a step is too little work for threads
        (part,) = self._parts
        logits_BV, part.state = self._model.step(x_B, part.state, self._table_VG)
        return logits_BV

    @cached_property
    def _table_VG(self) -> Floats:
        return self._model.input_table()

    def _run(self, tasks: Sequence[Callable[[], Floats]]) -> list[Floats]:
        if self._pool is not None:
            return self._pool.run(tasks)
        with np.errstate(over="ignore", invalid="ignore"):
            return [task() for task in tasks]


class NumpyOutputs(Outputs):
    """Predictions from the hidden states (T, b, H) of each part."""

    def __init__(self, params: Parameters, columns: list[slice], hidden: list[Floats], run: Run) -> None:
        self._params, self._columns, self._hidden, self._run = params, columns, hidden, run

    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """Each target's loss in nats (T, B)."""
        nll_TB = self._each(lambda h_NH, columns: nll_nats(self._params, h_NH, y_TB[:, columns].reshape(-1)))
        return nll_TB.astype(np.float64, copy=False)

    def log_probs(self) -> Floats:
        """Log-probabilities (T, B, V)."""
        return self._each(lambda h_NH, _: log_softmax_(logits(self._params, h_NH)))

    def logits(self) -> Floats:
        """Logits (T, B, V)."""
        return self._each(lambda h_NH, _: logits(self._params, h_NH))

    def __getitem__(self, times: slice) -> NumpyOutputs:
        """Some of the steps."""
        return NumpyOutputs(self._params, self._columns, [h_TBH[times] for h_TBH in self._hidden], self._run)

    def _each(self, of_rows: Callable[[Floats, slice], Floats]) -> Floats:
        """Apply a function to rows (N, H); give (T, B, ...)."""

        def found(h_TBH: Floats, columns: slice) -> Floats:
            values = of_rows(flatten_time(h_TBH), columns)
            return values.reshape(*h_TBH.shape[:2], *values.shape[1:])

        parts = self._run([partial(found, *both) for both in zip(self._hidden, self._columns, strict=True)])
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
