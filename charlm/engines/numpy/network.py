"""The NumPy network for inference: a model and its state, the columns of a batch split over threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from charlm.base.arrays import Floats, TokenIds
from charlm.engines.base import Network, Outputs
from charlm.engines.threads import ThreadPool
from charlm.models.char_rnn import Model
from charlm.nn.buffers import flatten_time
from charlm.nn.readout import log_softmax_, logits, nll_nats
from charlm.nn.stack import StackBuffers
from charlm.nn.state import States, join_states, select_columns


def open_network(model: Model, pool: ThreadPool | None = None) -> Network:
    """A network with a model's weights; without a pool it runs in the calling thread."""
    return NumpyNetwork(model, pool)


class NumpyNetwork(Network):
    """See ``Network``. Each thread has its own columns, buffers and state; the weights are shared."""

    def __init__(self, model: Model, pool: ThreadPool | None) -> None:
        self._model, self._pool = model, pool
        self._columns: list[slice] = []
        self._states: list[States] = []
        self._buffers: list[StackBuffers] = []
        self._seq_len = 0

    def begin(self, batch_size: int) -> None:
        """See ``Network.begin``."""
        self.state = self._model.initial_state(batch_size)

    @property
    def state(self) -> States:
        """See ``Network.state``."""
        return join_states(tuple(self._states))

    @state.setter
    def state(self, state: States) -> None:
        batch_size = len(state[0][0])
        columns = [slice(0, batch_size)] if self._pool is None else self._pool.columns(batch_size)
        if columns != self._columns:
            self._columns, self._buffers, self._seq_len = columns, [], 0
        self._states = [select_columns(state, part) for part in columns]

    def read(self, x_TB: TokenIds, carry_TB: Floats | None = None) -> NumpyOutputs:
        """See ``Network.read``."""
        if len(x_TB) > self._seq_len:
            self._seq_len, self._buffers = len(x_TB), []
            self._buffers = [self._model.buffers(len(x_TB), each.stop - each.start) for each in self._columns]

        def forward(part: int) -> Floats:
            columns = self._columns[part]
            carry = None if carry_TB is None else carry_TB[:, columns]
            h_TBH, self._states[part] = self._model.forward(
                x_TB[:, columns], self._states[part], self._buffers[part], carry
            )
            return h_TBH

        return NumpyOutputs(self._model, self._columns, self.run(forward), self.run)

    @np.errstate(over="ignore", invalid="ignore")  # who reads the results checks that they are finite
    def step(self, x_B: TokenIds) -> Floats:
        """See ``Network.step``."""
        found = []
        for part, columns in enumerate(self._columns):
            logits_BV, self._states[part] = self._model.step(x_B[columns], self._states[part], self._table_VG)
            found.append(logits_BV)
        return found[0] if len(found) == 1 else np.concatenate(found)

    @cached_property
    def _table_VG(self) -> Floats:
        return self._model.input_table()

    def run(self, task: Callable[[int], Floats]) -> list[Floats]:
        """The results of a task for each part of the columns, by its number."""
        if self._pool is not None:
            return self._pool.run([partial(task, part) for part in range(len(self._columns))])
        with np.errstate(over="ignore", invalid="ignore"):
            return [task(part) for part in range(len(self._columns))]


class NumpyOutputs(Outputs):
    """See ``Outputs``; the hidden states of each part of the columns, (T, b, H)."""

    def __init__(
        self,
        model: Model,
        columns: list[slice],
        hidden: list[Floats],
        run: Callable[[Callable[[int], Floats]], list[Floats]],
    ) -> None:
        self._model, self._columns, self._hidden, self._run = model, columns, hidden, run

    def nll(self, y_TB: TokenIds) -> npt.NDArray[np.float64]:
        """See ``Outputs.nll``."""
        nll_TB = np.empty(y_TB.shape)

        def write(part: int) -> Floats:
            y_N, columns = y_TB[:, self._columns[part]].reshape(-1), self._columns[part]
            nll_N = nll_nats(self._model.params, flatten_time(self._hidden[part]), y_N)
            nll_TB[:, columns] = nll_N.reshape(len(y_TB), -1)
            return nll_N

        self._run(write)
        return nll_TB

    def log_probs(self) -> Floats:
        """See ``Outputs.log_probs``."""
        return self._values(lambda h_NH: log_softmax_(logits(self._model.params, h_NH)))

    def logits(self) -> Floats:
        """See ``Outputs.logits``."""
        return self._values(partial(logits, self._model.params))

    def __getitem__(self, times: slice) -> NumpyOutputs:
        """See ``Outputs``."""
        return NumpyOutputs(self._model, self._columns, [h_TBH[times] for h_TBH in self._hidden], self._run)

    def _values(self, of_rows: Callable[[Floats], Floats]) -> Floats:
        """What a function of rows (N, H) gives for every step (T, B, V)."""

        def values(part: int) -> Floats:
            h_TBH = self._hidden[part]
            return of_rows(flatten_time(h_TBH)).reshape(*h_TBH.shape[:2], -1)

        found = self._run(values)
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)
